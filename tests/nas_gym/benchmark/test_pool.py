import os
from pathlib import Path

import pytest

from agents.errors import RunFolderError
from nas_gym.benchmark.pool import Job, check_settings, missing_jobs, read_runs, run_jobs
from nas_gym.benchmark.runs import Run

JOBS = [Job("env", agent, seed) for seed in range(2) for agent in ("ppo", "random")]


def answer(job: Job) -> Run:
    return {"agent": job.agent, "seed": job.seed, "process": os.getpid()}


def die_at_the_last(job: Job) -> Run:
    if job == JOBS[-1]:
        os._exit(1)
    return answer(job)


def break_at_the_third(job: Job) -> Run:
    if job == JOBS[2]:
        raise KeyboardInterrupt
    return answer(job)


def test_run_jobs__goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        list(run_jobs(JOBS, break_at_the_third, tmp_path, processes=1))
    assert missing_jobs(JOBS, tmp_path) == JOBS[2:]
    assert list(run_jobs(missing_jobs(JOBS, tmp_path), answer, tmp_path, processes=1)) == JOBS[2:]
    assert [(run["agent"], run["seed"]) for run in read_runs(JOBS, tmp_path)] == [
        (job.agent, job.seed) for job in JOBS
    ]
    assert missing_jobs(JOBS, tmp_path) == []


@pytest.mark.slow  # starts processes that import PyTorch
@pytest.mark.timeout(90)
def test_run_jobs__plays_in_other_processes_and_says_when_one_was_killed(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match=r"was killed.* goes on from where it stopped"):
        list(run_jobs(JOBS, die_at_the_last, tmp_path, processes=2))
    missing = missing_jobs(JOBS, tmp_path)
    assert JOBS[-1] in missing
    runs = read_runs([job for job in JOBS if job not in missing], tmp_path)
    assert os.getpid() not in {run["process"] for run in runs}
    assert len({run["process"] for run in runs}) <= 2


def test_check_settings__refuses_other_settings_in_one_line(tmp_path: Path) -> None:
    check_settings(tmp_path / "new", {"budget": 10, "episodes": 40})
    check_settings(tmp_path / "new", {"budget": 10, "episodes": 40})
    with pytest.raises(
        RunFolderError, match=r"holds runs with budget = 10, asked for is 20; choose"
    ) as caught:
        check_settings(tmp_path / "new", {"budget": 20, "episodes": 40})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", '{"seed": ', "[1]"])
def test_read_runs__refuses_a_damaged_file(tmp_path: Path, content: str) -> None:
    path = JOBS[0].path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(RunFolderError, match=r"0\.json was not written by a benchmark, or is damaged"):
        read_runs(JOBS[:1], tmp_path)
