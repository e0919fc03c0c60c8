import re
from pathlib import Path
from typing import Any

import pytest

import nas_gym
from nas_gym.benchmark import tuning
from nas_gym.benchmark.arguments import TuningArguments
from nas_gym.errors import InvalidArgumentError, RunFolderError
from nas_gym.evaluators.remembered.lookup import TableEvaluator
from nas_gym.search_spaces import MlpSpace
from tests.nas_gym.memory.made_up import made_up_table

GRID = {"learning_rate": (5e-3, 1e-2), "num_envs": (2, 5)}
SETTINGS = {
    f"reinforce learning_rate={rate} num_envs={lanes}" for rate in ("0.005", "0.01") for lanes in (2, 5)
}
TUNE: dict[str, Any] = {"agents": ["reinforce"], "budget": 5, "seeds": 2, "processes": 1}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small grid and a small table."""
    table = made_up_table(MlpSpace(max_length=3))
    lookup = TableEvaluator(table.without_test())
    problem = nas_gym.Problem(table.search_space, table.metric, table=table, lookup=lookup)
    monkeypatch.setattr(nas_gym, "problem", {"NAS-Bench-Moons-v0": problem}.get)
    monkeypatch.setattr(tuning, "GRIDS", {"reinforce": GRID})


def rows_of(out: str) -> dict[str, list[str]]:
    """Return the cells of each row by its setting."""
    rows = [line.strip("| ").split(" | ") for line in out.splitlines() if line.startswith("| reinforce")]
    return {setting: cells for setting, *cells in rows}


@pytest.mark.slow  # the first optimizer of a process takes PyTorch seconds to import
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("small")
def test_tune__prints_every_setting_and_goes_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert TuningArguments(**TUNE, out=tmp_path).run() == 0
    table = rows_of(capsys.readouterr().out)
    assert table.keys() == SETTINGS
    assert all(re.fullmatch(r"-?\d\.\d{4} ± \d\.\d{4}", cell) for cells in table.values() for cell in cells)
    rewards = [float(reward.split()[0]) for reward, _ in table.values()]
    assert rewards == sorted(rewards, reverse=True) and len(set(rewards)) > 1
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.json")}
    assert len(files) == 2 * len(SETTINGS)

    lost = min(files)
    content = lost.read_text()
    lost.unlink()
    TuningArguments(**TUNE, out=tmp_path).run()
    assert rows_of(capsys.readouterr().out) == table
    assert {path for path, time in files.items() if path.stat().st_mtime_ns != time} == {lost}
    assert re.sub(r"seconds\": [^,]*", "", lost.read_text()) == re.sub(r"seconds\": [^,]*", "", content)

    with pytest.raises(RunFolderError, match="holds runs with budget = 5, asked for is 6"):
        TuningArguments(**{**TUNE, "budget": 6}, out=tmp_path).run()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"agents": ["random"]}, "no grid for agent 'random'; there are reinforce"),
        ({"budget": 0}, "budget and processes must be at least 1, seeds at least 2"),
    ],
)
@pytest.mark.usefixtures("small")
def test_tune__says_what_is_wrong_before_it_writes(
    arguments: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        TuningArguments(**{**TUNE, **arguments}, out=tmp_path / "out").run()
    assert not (tmp_path / "out").exists()
