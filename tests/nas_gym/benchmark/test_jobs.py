from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agents import agent_spec
from agents.base import Order
from nas_gym.benchmark import jobs
from nas_gym.benchmark.jobs import Job, missing_jobs, play_job, read_runs, run_jobs
from nas_gym.benchmark.runs import Limits, Run
from nas_gym.errors import RunFolderError
from nas_gym.pools.fault import Fault
from nas_gym.pools.here import Here
from tests.nas_gym.benchmark.made_up import make_run

LIMITS = Limits(3, 12)
JOBS = [
    Job("env", agent, seed, agent_spec(agent), LIMITS) for seed in range(2) for agent in ("ppo", "random")
]


def test_run_jobs__goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_at_the_third(job: Job) -> Run:
        if job == JOBS[2]:
            raise KeyboardInterrupt
        return answer(job)

    def answer(job: Job) -> Run:
        return make_run(job.seed, 0.5)

    monkeypatch.setattr(jobs, "play_job", break_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        list(run_jobs(JOBS, tmp_path, processes=1))
    assert missing_jobs(JOBS, tmp_path) == JOBS[2:]
    monkeypatch.setattr(jobs, "play_job", answer)
    assert list(run_jobs(missing_jobs(JOBS, tmp_path), tmp_path, processes=1)) == JOBS[2:]
    assert [run.seed for run in read_runs(JOBS, tmp_path)] == [0, 0, 1, 1]
    assert missing_jobs(JOBS, tmp_path) == []


def test_run_jobs__says_which_run_was_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Deadly(Here):
        def __init__(self, workers: int, preload: object) -> None:
            assert (workers, preload) == (2, ["agents.random.agent", "agents.sb3.agents"])

        def map(self, function: Any, items: Any) -> Iterator[Any]:  # noqa: ANN401
            yield 1, Fault("died", "its worker process died 2 times, at last of SIGKILL(-9)", 1.0)

    monkeypatch.setattr(jobs, "Processes", Deadly)
    with pytest.raises(RunFolderError, match=r"a run of random on env was lost: its worker .* goes on with"):
        list(run_jobs(JOBS, tmp_path, processes=2))


@pytest.mark.slow  # workers import PyTorch
@pytest.mark.timeout(60)
def test_run_jobs__in_processes_is_the_same(tmp_path: Path) -> None:
    moons = [Job("NAS-Moons-v0", "random", seed, agent_spec("random"), LIMITS) for seed in range(2)]
    runs = []
    for processes in (1, 2):
        assert len(list(run_jobs(moons, tmp_path / str(processes), processes))) == 2
        runs.append([(r.rewards, r.curve) for r in read_runs(moons, tmp_path / str(processes))])
    assert runs[0] == runs[1] and runs[0][0] != runs[0][1]


def test_play_job__knows_the_metric_of_an_environment_where_every_child_fails() -> None:
    keywords = {"space": {"base": 2}, "train_tokens": 400, "max_parameters": 1}
    run = play_job(Job("NAS-Brackets-v0", "random", 0, agent_spec("random"), LIMITS, keywords))
    assert (run.distinct_architectures, run.best_architecture) == (3, None)
    assert run.validation_score == 8.0, "as who takes each of eight tokens for equally likely"


def test_play_job__knows_how_busy_simulated_workers_were_and_when_episodes_ended() -> None:
    def play(seed: int, order: Order, lanes: int, workers: object = 8) -> Run:
        spec = replace(agent_spec("random"), num_envs=lanes)
        keywords = {} if workers is None else {"workers": {"workers": workers, "seconds": 10}}
        return play_job(Job("NAS-Bench-Moons-v0", "random", seed, spec, Limits(80, 320), keywords, order))

    jobs._warm_problem.cache_clear()  # other tests have put a table of their own in the place of this one
    batch, arrival = play(0, "batch", 8), play(0, "arrival", 18)
    for run in (batch, arrival):
        assert run.simulated is not None and run.distinct_architectures == 80
        assert len(run.simulated.ends) == len(run.rewards) and run.simulated.ends[0] > 0
        assert list(run.simulated.ends) == sorted(run.simulated.ends)
    assert batch.busy_share is not None and 0.1 < batch.busy_share < 0.8
    assert arrival.busy_share is not None and arrival.busy_share > 0.95
    assert batch.virtual_hours is not None and arrival.virtual_hours is not None
    assert arrival.virtual_hours < 0.8 * batch.virtual_hours
    assert play(0, "batch", 8).simulated == batch.simulated, "a seed fixes what happens to workers"
    assert play(1, "batch", 8).virtual_hours != batch.virtual_hours
    at_once = play(0, "batch", 8, None)
    assert (at_once.simulated, at_once.virtual_hours, at_once.busy_share) == (None, None, None)
    assert at_once.rewards == batch.rewards


def test_play_job__closes_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    env = SimpleNamespace(close=lambda: closed.append("env"))
    monkeypatch.setattr(
        jobs, "_warm_problem", lambda *_: SimpleNamespace(make_vector_env=lambda lanes: lanes, workers=None)
    )
    monkeypatch.setattr(jobs, "RecordEvaluations", lambda lanes: env if lanes == 3 else None)
    monkeypatch.setattr(jobs, "play", fail)
    with pytest.raises(ZeroDivisionError):
        play_job(JOBS[0])
    assert closed == ["env"]
