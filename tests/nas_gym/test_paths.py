"""Whatever is written down for later can be read from another folder."""

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import gymnasium as gym
import pandas as pd
import pytest

from nas_gym.benchmark.arguments import BenchmarkArguments
from nas_gym.cli import Retrain, Search
from nas_gym.estimators.command import Fit
from nas_gym.memory.store import EvaluationStore
from nas_gym.studies.study import Study, run_study
from tests.nas_gym.images import small_image_folder
from tests.nas_gym.texts import small_text

TEXT = ["space.base=2", "recipe.epochs=1", "recipe.units=4", "recipe.batch_size=8", "evaluator=local"]
"""Keywords of NAS-Text-v0 that make a search a quick one."""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return the folder that a session is in, which is home, too, and another one."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    shutil.copy(small_text(), here / "story.txt")
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.chdir(here)
    return here, there


@pytest.mark.slow  # two trainings of each network
@pytest.mark.timeout(60)
def test_run__with_a_relative_path_is_retrained_from_another_folder(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = folders
    shutil.copytree(small_image_folder(), here / "images")
    keywords = ["path=images", "image_size=8", "evaluator=local", "space.max_layers=1", "recipe.epochs=1"]
    Search(
        env="NAS-ImageFolder-v0", agent="random", episodes=1, run_dir=Path("run"), env_kwargs=keywords
    ).run()
    assert json.loads(Path("run/config.json").read_text())["settings"]["env_kwargs"]["path"] == str(
        here / "images"
    )
    assert str(here / "images") in Path("run/report.html").read_text()
    monkeypatch.chdir(there)
    assert Retrain(here / "run", top=1, seeds=1, processes=1, env_kwargs=["full.epochs=1"]).run() == 0
    assert f"nas_gym.load(&#34;{here / 'run' / 'winner'}&#34;)" in (here / "run/report.html").read_text()


@pytest.mark.slow  # a search and its page
@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", ["~/story.txt", Path("story.txt")])
def test_run__writes_down_where_a_home_folder_is(folders: tuple[Path, Path], path: Any) -> None:  # noqa: ANN401
    from rich.console import Console

    here, there = folders
    recipe = {"epochs": 1, "units": 4, "batch_size": 8}
    keywords = {"path": path, "space": {"base": 2}, "recipe": recipe, "evaluator": "local"}
    study = Study(env="NAS-Text-v0", env_kwargs=keywords, agent="random", episodes=1, run_dir=there)
    run_study(study, Console(quiet=True))
    settings = json.loads((there / "config.json").read_text())["settings"]
    assert settings["env_kwargs"]["path"] == str(here / "story.txt")


@pytest.mark.slow  # a search and its page
@pytest.mark.timeout(60)
def test_benchmark__goes_on_from_another_folder(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = folders

    def compare(path: str) -> Any:  # noqa: ANN401, JSON
        arguments = [f"NAS-Text-v0:path={path}", *TEXT]
        BenchmarkArguments(
            env=["NAS-Text-v0"],
            agents=["random_search"],
            budget=1,
            seeds=1,
            processes=1,
            out=there / "compared",
            env_kwargs=arguments,
        ).run()
        return json.loads((there / "compared" / "results.json").read_text())["env_kwargs"]["NAS-Text-v0"]

    assert compare("story.txt")["path"] == str(here / "story.txt")
    settings = there / "compared" / "settings.json"
    settings.write_text(settings.read_text().replace(str(here / "story.txt"), "story.txt"))
    compare("story.txt")  # settings of an earlier version held what was given
    monkeypatch.chdir(there)
    settings.write_text(settings.read_text().replace('"story.txt"', json.dumps(str(here / "story.txt"))))
    capsys.readouterr()
    compare(str(here / "story.txt"))
    assert "1 of 1 runs are in" in capsys.readouterr().out


def test_json_of_an_environment__names_files_from_any_folder(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = folders
    env = gym.make("NAS-Text-v0", path="story.txt", space={"base": 2}, store="children.sqlite")
    assert env.spec is not None
    text = env.spec.to_json()
    kwargs = json.loads(text)["kwargs"]
    assert (kwargs["path"], kwargs["store"]) == (str(here / "story.txt"), str(here / "children.sqlite"))
    monkeypatch.chdir(there)
    gym.make(gym.envs.registration.EnvSpec.from_json(text))


def test_store__stays_where_it_is_when_the_folder_is_changed(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = folders
    env: Any = gym.make("NAS-Moons-v0", store="children.sqlite", recipe={"epochs": 1})
    with closing(env):
        for token in (0, 1):
            env.reset()
            env.step(token)
            env.step(9)
            env.close()  # a later use opens it anew
            monkeypatch.chdir(there)
    assert [file.name for file in there.iterdir()] == []
    assert len(EvaluationStore(here / "children.sqlite")) == 2


@pytest.mark.slow  # fits models to compare with
@pytest.mark.timeout(60)
def test_page_of_a_fit__tells_commands_for_any_folder(folders: tuple[Path, Path]) -> None:
    here, _ = folders
    rows = pd.DataFrame({"a": [0.0, 1.0] * 30, "b": range(60), "y": ["x", "z"] * 30})
    rows.to_csv("table.csv", index=False)
    Fit(Path("table.csv"), "y", Path("model"), budget=0, references=False).run()
    page = Path("model/report.html").read_text()
    assert f"nas-gym fit {here}/table.csv --target y --out {here}/model" in page
    assert f"nas_gym.load(&#34;{here}/model&#34;)" in page
