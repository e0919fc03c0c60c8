"""What the tests of the scripts share."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.scripts.processes import SCRIPTS

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session", autouse=True)
def scripts_on_path() -> None:
    """Import the scripts before the first test: what they need is slow to import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        for name in ("train_reinforce", "train_sb3", "import_nas_bench_201", "retrain", "tune"):
            importlib.import_module(name)


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call a script in this process: exit code, standard output and standard error."""

    def run(name: str, *arguments: object) -> tuple[int, str, str]:
        script: Any = importlib.import_module(name)
        command_line: Any = importlib.import_module("command_line")
        monkeypatch.setattr("sys.argv", [f"{name}.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            command_line.run(script.Args, script.main, script.__doc__)
        captured = capfd.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run
