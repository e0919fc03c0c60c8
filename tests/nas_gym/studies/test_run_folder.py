import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from nas_gym.envs.episode import Episode
from nas_gym.errors import RunFolderError
from nas_gym.files import write_json
from nas_gym.studies.run_folder import RunFolder, Times, read_run
from tests.nas_gym.studies.episodes import SETTINGS, numbered, trained

EPISODES = [
    Episode(1, "Linear-8 ReLU", 0.1 + 0.2, "ok", {"b": 1e-17, "a": 0.1}, 7, None, 2**63 - 1),
    Episode(2, None, -1.0, "illegal"),
    Episode(3, "ReLU", 0.0, "failed", {}, None, 5, 2**53 + 1, 'it said "no",\nthen left ±'),
    Episode(4, "Tanh", 12.0, "ok", {"a": 0.5}, 0, 0, 0, "12"),
]


def test_run_folder__notes_settings_and_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    RunFolder(path, SETTINGS, resume=True, about={"python": "3"})  # nothing there yet: a new run
    config = json.loads((path / "config.json").read_text())
    assert config["settings"]["seed"] == 7 and config["about"] == {"python": "3"}
    assert "dataset_checksum" not in config["settings"], "it is unknown"
    before = (path / "config.json").read_bytes()
    RunFolder(path, SETTINGS, resume=True, about={"python": "4"})
    assert (path / "config.json").read_bytes() == before


def test_run_folder__one_that_holds_a_run_is_refused_without_resume(tmp_path: Path) -> None:
    RunFolder(tmp_path, SETTINGS, resume=False)
    with pytest.raises(RunFolderError, match="already holds a run; --resume") as error:
        RunFolder(tmp_path, SETTINGS, resume=False)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"seed": 1}, "seed 7 there, 1 here"),
        ({"env_kwargs": {}}, "env_kwargs {'noise': 0.3, 'space': {'widths': [4, 8]}} there, {} here"),
        ({"dataset_checksum": "x"}, "dataset_checksum None there, 'x' here"),
        ({"episodes": 3, "agent": "ppo"}, "agent 'reinforce' there, 'ppo' here, episodes 6 there, 3 here"),
    ],
)
def test_run_folder__resuming_with_other_arguments_says_which(
    other: dict[str, Any], message: str, tmp_path: Path
) -> None:
    RunFolder(tmp_path, SETTINGS, resume=False)
    with pytest.raises(RunFolderError, match="a run with other arguments: ") as error:
        RunFolder(tmp_path, replace(SETTINGS, **other), resume=True)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b"3", b'{"settings": 3}', b'{"settings": {"seed": 1}}', b"\xff\xfe"],
)
def test_run_folder__other_peoples_config_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"config\.json is not a run's configuration") as error:
        RunFolder(tmp_path, SETTINGS, resume=True)
    assert "\n" not in str(error.value)


def test_run_folder__unwritable_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "run", Path("/proc/run")):
        with pytest.raises(RunFolderError, match=r"cannot be written: \w") as error:
            RunFolder(path, SETTINGS, resume=True)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_evaluations__come_back_as_they_were_written(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    assert run.read_evaluations() == []
    run.write_evaluations(EPISODES)
    found = run.read_evaluations()
    assert found == EPISODES
    assert all(type(value) is float for each in found for value in (each.reward, *each.scores.values()))
    before = (tmp_path / "evaluations.csv").read_bytes()
    head = b"episode,architecture,reward,status,b,a,parameters,multiply_adds,seed,reason\r\n"
    assert before.startswith(
        head + b"1,Linear-8 ReLU,0.30000000000000004,ok,1e-17,0.1,7,,9223372036854775807,"
    )
    run.write_evaluations(found)
    assert (tmp_path / "evaluations.csv").read_bytes() == before


def test_evaluations__without_episodes_write_nothing(tmp_path: Path) -> None:
    RunFolder(tmp_path, SETTINGS, resume=False).write_evaluations([])
    assert not (tmp_path / "evaluations.csv").exists()


HEAD = b"episode,architecture,reward,status,accuracy,parameters,multiply_adds,seed,reason\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n1,2\n", HEAD + b"1,ReLU\n", HEAD + b"1,ReLU,0.5,ok,high,,,,\n", HEAD + b"1,\xff\n"],
)
def test_evaluations__other_peoples_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    (tmp_path / "evaluations.csv").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"evaluations\.csv cannot be read") as error:
        run.read_evaluations()
    assert "\n" not in str(error.value)


def test_times__are_added_up(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    assert run.read_times() == Times()
    run.write_times(Times(1.5, 0.5) + Times(2.0, 1.0))
    assert run.read_times() == Times(3.5, 1.5)
    for content in (b"", b"{", b"\xff", b"[1]", b'{"seconds": 1}'):
        (tmp_path / "times.json").write_bytes(content)
        with pytest.raises(RunFolderError, match=r"times\.json"):
            run.read_times()


def test_read_run__returns_what_a_finished_run_left(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    run.write_evaluations(EPISODES)
    write_json(tmp_path / "summary.json", {"best": {"architecture": "ReLU"}})
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    found = read_run(tmp_path)
    assert asdict(found.settings) == json.loads(json.dumps(asdict(SETTINGS)))
    assert (found.episodes, found.best) == (EPISODES, ["ReLU"])
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("file", "content"),
    [
        *(("summary.json", text) for text in (None, b"", b"3", b"[]", b"{}", b"\xff", b'{"best": 3}')),
        ("summary.json", b'{"best": {"architecture": 3}}'),
        ("config.json", None),
    ],
)
def test_read_run__of_what_is_no_finished_run_is_one_line(
    file: str, content: bytes | None, tmp_path: Path
) -> None:
    RunFolder(tmp_path, SETTINGS, resume=False).write_evaluations(numbered(trained("ReLU", 0.5)))
    write_json(tmp_path / "summary.json", {"best": {"architecture": "ReLU"}})
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(RunFolderError, match="holds no finished run") as error:
        read_run(tmp_path)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


def test_read_run__makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="holds no finished run"):
        read_run(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
