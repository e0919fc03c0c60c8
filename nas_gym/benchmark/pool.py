"""All runs of a comparison, in parallel processes and each in a file of its own.

A run's file is written by the process that played it as soon as it ends. A comparison that was interrupted,
in whatever way, therefore goes on with the runs whose files are missing.
"""

import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from agents.errors import RunFolderError
from agents.files import write_atomically
from nas_gym.benchmark.runs import Run


@dataclass(frozen=True)
class Job:
    """One run: an agent searches an environment with a seed."""

    env: str
    agent: str
    seed: int

    def path(self, folder: Path) -> Path:
        """Return the file of its result."""
        return folder / "runs" / self.env / self.agent / f"{self.seed}.json"


def check_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings into a new folder, or hold them against those its runs were made with.

    More seeds, agents and environments may be asked for later; whatever is in ``settings`` may not change.

    Raises:
        RunFolderError: If the folder's settings differ.
    """
    path = folder / "settings.json"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        text = json.dumps(settings, indent=1) + "\n"
        write_atomically(path, lambda temporary: temporary.write_text(text))
        return
    found = _read(path)
    for name, value in settings.items():
        if found.get(name) != json.loads(json.dumps(value)):
            raise RunFolderError(
                f"{folder} holds runs with {name} = {json.dumps(found.get(name))}, asked for is "
                f"{json.dumps(value)}; choose another folder, or delete this one"
            )


def missing_jobs(jobs: Sequence[Job], folder: Path) -> list[Job]:
    """Return the jobs that have no result yet, in order."""
    return [job for job in jobs if not job.path(folder).exists()]


def run_jobs(jobs: Sequence[Job], play: Callable[[Job], Run], folder: Path, processes: int) -> Iterator[Job]:
    """Play jobs and write their results; yield each as its file is there, in whatever order.

    Args:
        jobs: What to play.
        play: Plays one of them; a function of a module, so that other processes can import it.
        folder: Where the results go, see ``Job.path``.
        processes: Number of processes, with one thread each; with 1 everything runs in this one.

    Raises:
        RunFolderError: If a process was killed from outside.
    """
    if min(processes, len(jobs)) <= 1:
        torch.set_num_threads(1)
        for job in jobs:
            yield _play_and_write(job, play, folder)
        return
    context = multiprocessing.get_context("spawn")  # a forked PyTorch may hang
    pool = ProcessPoolExecutor(min(processes, len(jobs)), context, initializer=_prepare_process)
    try:
        for future in as_completed([pool.submit(_play_and_write, job, play, folder) for job in jobs]):
            yield future.result()
    except BrokenProcessPool:
        raise RunFolderError(
            f"a process of the benchmark was killed, perhaps for want of memory; started again with the "
            f"same command, {folder} goes on from where it stopped"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def read_runs(jobs: Sequence[Job], folder: Path) -> list[Run]:
    """Return the results of jobs, in order.

    Raises:
        RunFolderError: If a file is no result.
    """
    return [_read(job.path(folder)) for job in jobs]


def _play_and_write(job: Job, play: Callable[[Job], Run], folder: Path) -> Job:
    text = json.dumps(play(job), allow_nan=False) + "\n"
    path = job.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: temporary.write_text(text))
    return job


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise RunFolderError(
            f"{path} was not written by a benchmark, or is damaged; delete it and start again"
        )
    return content


def _prepare_process() -> None:
    """Give a process of the pool one thread, leave Ctrl-C to its parent, and let it not outlive that."""
    torch.set_num_threads(1)
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # what evaluators take their number of threads from
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
