"""The runs of a benchmark, in parallel and each in a file of its own.

A run's file is written by the process that played it as soon as it ends. A benchmark that was interrupted, in
whatever way, therefore goes on with the runs whose files are missing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

import nas_gym
from agents import AgentSpec
from agents.base import Order
from nas_gym.benchmark.files import read_run, write_run
from nas_gym.benchmark.runs import Limits, Run, judge, play
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import RunFolderError
from nas_gym.pools.fault import Fault
from nas_gym.pools.here import Here
from nas_gym.pools.processes import Processes
from nas_gym.testing import random_sentence

Keywords = Mapping[str, object]
"""Keywords of an environment, values of JSON."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: an agent searches an environment with a seed.

    Attributes:
        env: Id of the environment.
        agent: What the agent is called.
        seed: Its seed.
        spec: How to make it.
        limits: When the run ends.
        keywords: Those of the environment.
        order: In which order the agent learns.
    """

    env: str
    agent: str
    seed: int
    spec: AgentSpec
    limits: Limits
    keywords: Keywords = field(default_factory=dict)
    order: Order = "batch"

    def path(self, folder: Path) -> Path:
        """Return the file of its result."""
        return folder / "runs" / self.env / self.agent / f"{self.seed}.json"


def play_job(job: Job) -> Run:
    """Let one agent search once, in this process, and judge what it found."""
    problem = _warm_problem(job.env, json.dumps(job.keywords))
    if problem.workers is not None:  # runs differ in what happens to workers, too
        problem = replace(problem, workers=replace(problem.workers, seed=problem.workers.seed + job.seed))
    # More lanes than children would train some that nobody counts.
    lanes = min(job.spec.num_envs, job.limits.budget or job.limits.episodes)
    env = RecordEvaluations(problem.make_vector_env(lanes))
    try:
        played = play(job.spec, env, job.seed, job.limits, job.order)
    finally:
        env.close()
    return judge(played, job.seed, job.limits, problem.metric, problem.table)


@cache
def _warm_problem(env: str, keywords: str) -> nas_gym.Problem:
    """Open a problem once in each process, and evaluate a child, which compiles the kernel."""
    problem = nas_gym.problem(env, **json.loads(keywords))
    sentence = random_sentence(problem.search_space, np.random.default_rng(0))
    with problem.make_evaluator() as evaluator:
        evaluator.evaluate([problem.search_space.architecture(sentence)])
    return problem


def missing_jobs(jobs: Sequence[Job], folder: Path) -> list[Job]:
    """Return the jobs that have no result yet, in order."""
    return [job for job in jobs if not job.path(folder).exists()]


def run_jobs(jobs: Sequence[Job], folder: Path, processes: int) -> Iterator[Job]:
    """Play jobs and write their results; yield each as its file is there, in whatever order.

    Args:
        jobs: What to play.
        folder: Where the results go, see ``Job.path``.
        processes: Number of processes, with one thread each; with 1 everything runs in this one.

    Raises:
        RunFolderError: If a process was killed from outside, more than once.
    """
    workers = min(processes, len(jobs))
    makers = sorted({job.spec.load().__module__ for job in jobs})
    with Here() if workers <= 1 else Processes(workers, preload=makers) as pool:
        for index, came in pool.map(_PlayAndWrite(folder), jobs):
            if isinstance(came, Fault):
                raise RunFolderError(
                    f"a run of {jobs[index].agent} on {jobs[index].env} was lost: {came.reason}; the same "
                    f"command goes on with the runs that are not in {folder} yet"
                )
            yield jobs[index]


def read_runs(jobs: Sequence[Job], folder: Path) -> list[Run]:
    """Return the results of jobs, in order.

    Raises:
        RunFolderError: If a file is no result.
    """
    return [read_run(job.path(folder)) for job in jobs]


@dataclass(frozen=True, slots=True)
class _PlayAndWrite:
    """What a worker does with a job, in one thread wherever it works."""

    folder: Path

    def __call__(self, job: Job) -> None:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            write_run(job.path(self.folder), play_job(job))
        finally:
            torch.set_num_threads(threads)
