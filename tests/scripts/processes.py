"""Running the scripts as processes, and killing them."""

import json
import multiprocessing
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int | None
    out: str
    err: str


class Running:
    """A script that runs in a process of its own.

    The process is forked from a server that has imported PyTorch and the like, which spares six seconds
    a start; apart from that it is a new process, and a signal meets the script as it would elsewhere.

    Args:
        log: Folder for what it prints.
        script: Name of the file.
        *arguments: Its command line.
    """

    def __init__(self, log: Path, script: str, *arguments: object) -> None:
        log.mkdir(exist_ok=True)
        for earlier in log.iterdir():
            earlier.unlink()
        self._log = log
        self._process = _server().Process(target=_main, args=(log, script, [*map(str, arguments)]))
        self._process.start()

    def searches(self) -> bool:
        """Say whether all is set up and the search begins."""
        return "everything goes to" in " ".join(self._printed("out").split())

    def finish(self) -> Ended:
        self._process.join(PATIENCE_SECONDS)
        self._process.kill()
        self._process.join()
        code = self._process.exitcode
        self._process.close()
        return Ended(code, self._printed("out"), self._printed("err"))

    def interrupt(
        self, number: signal.Signals, when: Callable[[], bool], delay_seconds: float = 0.0
    ) -> Ended:
        """Send a signal as soon as something is the case, or a little later."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not when() and self._process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(delay_seconds)
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, number)
        return self.finish()

    def _printed(self, name: str) -> str:
        file = self._log / name
        return file.read_text() if file.exists() else ""


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            patch.setenv(name, "1")  # the tests use all cores already
        context.set_forkserver_preload(["tests.scripts.preload"])
        ensure_running()
    return context


def _main(log: Path, script: str, arguments: list[str]) -> None:
    for descriptor, name in ((1, "out"), (2, "err")):
        with (log / name).open("w") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(ROOT)
    sys.argv = [str(SCRIPTS / script), *arguments]
    sys.path.insert(0, str(SCRIPTS))
    runpy.run_path(sys.argv[0], run_name="__main__")


def rows(run_dir: Path) -> int:
    """Number of episodes that the run folder knows."""
    file = run_dir / "evaluations.csv"
    return file.read_text().count("\n") - 1 if file.exists() else 0


def summary_without_times(run_dir: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((run_dir / "summary.json").read_text())
    return {name: value for name, value in summary.items() if name != "times"}


def check_run_folder(run_dir: Path, agent: str, episodes: int) -> None:
    """Check what every finished run leaves behind."""
    settings = json.loads((run_dir / "config.json").read_text())["settings"]
    assert (settings["env"], settings["agent"], settings["seed"]) == ("NAS-Moons-v0", agent, 0)
    summary = json.loads((run_dir / "summary.json").read_text())
    assert (summary["env"], summary["agent"], summary["seed"]) == ("NAS-Moons-v0", agent, 0)
    assert summary["episodes"] == rows(run_dir) == episodes
    assert 0 < summary["times"]["evaluation_seconds"] < summary["times"]["search_seconds"]
    assert summary["best"].keys() == {"architecture", "score", "parameters", "multiply_adds"}
    assert summary["retrained"]["seeds"] == 10
    assert summary["baselines"].keys() == {"LogisticRegression", "MLPClassifier"}
    for model in (summary["retrained"], *summary["baselines"].values()):
        assert 0.5 < model["test_mean"] <= 1 and 0.5 < model["validation_mean"] <= 1
    assert summary["pareto_front"]["parameters"], "a network was trained, so one of them is not beaten"
    for picture in ("learning_curve.png", "pareto_front.png"):
        assert (run_dir / picture).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert list((run_dir / "tensorboard").rglob("events.out.tfevents.*"))
    assert not list(run_dir.glob("*.tmp")) + list(run_dir.glob(".*.tmp"))
