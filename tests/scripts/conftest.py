"""What the tests of the scripts share."""

import runpy
from collections.abc import Callable, Iterator

import pytest

from tests.scripts.processes import SCRIPTS

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session", autouse=True)
def slow_imports() -> Iterator[None]:
    """Import what the scripts need before the first test."""
    import nas_gym.benchmark.command
    import nas_gym.studies.contest
    import nas_gym.studies.study  # noqa: F401

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call a script in this process: exit code, standard output and standard error."""

    def run(name: str, *arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", [f"{name}.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(SCRIPTS / f"{name}.py"), run_name="__main__")
        captured = capfd.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run
