import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from nas_gym.memory.tables.table import Table
from nas_gym.problems.specs import PROBLEMS, Problem
from nas_gym.search_spaces import MlpSpace
from tests.nas_gym.doubles import made_up_table
from tests.scripts.conftest import Call

GRID = {"learning_rate": (5e-3, 1e-2), "num_envs": (2, 5)}
SETTINGS = {
    f"reinforce learning_rate={rate} num_envs={lanes}" for rate in ("0.005", "0.01") for lanes in (2, 5)
}
TUNE = ("--agents", "reinforce", "--budget", "5", "--seeds", "2", "--processes", "1")


def small_table(table: None = None) -> Table:
    """Stand in for the function that finds the shipped table or the one that is given."""
    assert table is None
    return made_up_table(MlpSpace(max_length=3))


@pytest.fixture
def tune(monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401, a module of the scripts
    """The script with a small grid and a small table."""
    script = importlib.import_module("tune")
    problem = Problem("mlp-v0", table=f"{__name__}:small_table")
    monkeypatch.setitem(PROBLEMS, "NAS-Bench-Moons-v0", problem)
    monkeypatch.setattr(script, "GRIDS", {"reinforce": GRID})
    return script


def table_of(out: str) -> dict[str, list[str]]:
    """Return the cells of each row by its setting."""
    rows = [line.strip("| ").split(" | ") for line in out.splitlines() if line.startswith("| reinforce")]
    return {setting: cells for setting, *cells in rows}


@pytest.mark.usefixtures("tune")
def test_tune__prints_every_setting_and_goes_on_where_it_stopped(call: Call, tmp_path: Path) -> None:
    code, out, err = call("tune", *TUNE, "--out", tmp_path)
    assert code == 0, err
    table = table_of(out)
    assert table.keys() == SETTINGS
    assert all(re.fullmatch(r"-?\d\.\d{4} ± \d\.\d{4}", cell) for cells in table.values() for cell in cells)
    rewards = [float(reward.split()[0]) for reward, _ in table.values()]
    assert rewards == sorted(rewards, reverse=True) and len(set(rewards)) > 1
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.json")}
    assert len(files) == 2 * len(SETTINGS)

    lost = min(files)
    content = lost.read_text()
    lost.unlink()
    assert table_of(call("tune", *TUNE, "--out", tmp_path)[1]) == table
    assert {path for path, time in files.items() if path.stat().st_mtime_ns != time} == {lost}
    assert re.sub(r"seconds\": [^,]*", "", lost.read_text()) == re.sub(r"seconds\": [^,]*", "", content)

    code, _, err = call("tune", *TUNE, "--budget", 6, "--out", tmp_path)
    assert code == 2 and "holds runs with budget = 5, asked for is 6" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--agents", "random"), "no grid for agent 'random'; there are reinforce"),
        (("--budget", "0"), "budget and processes must be at least 1, seeds at least 2"),
    ],
)
@pytest.mark.usefixtures("tune")
def test_tune__says_in_one_line_what_is_wrong(
    arguments: tuple[str, ...], says: str, call: Call, tmp_path: Path
) -> None:
    code, _, err = call("tune", *TUNE, *arguments, "--out", tmp_path / "out")
    assert code == 2 and err.count("\n") == 1 and says in err
    assert not (tmp_path / "out").exists()
