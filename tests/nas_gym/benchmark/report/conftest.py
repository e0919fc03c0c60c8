from dataclasses import replace

import pytest

from nas_gym.benchmark.findings import Findings, find
from nas_gym.tasks.metric import ACCURACY
from tests.nas_gym.benchmark.made_up import BRACKETS, BUDGET, make_runs, make_simulated


@pytest.fixture(scope="session")
def judged() -> Findings:
    return find(make_runs({"ppo": 0.8, "random": 0.9}, seeds=4, reached=["random"]), BUDGET, ACCURACY)


@pytest.fixture(scope="session")
def unjudged() -> Findings:
    return find(make_runs({"ppo": 0.8}, seeds=1, judged=False), None, ACCURACY)


@pytest.fixture(scope="session")
def simulated() -> Findings:
    runs = make_runs({"ppo": 0.8, "random": 0.9}, seeds=4)
    with_workers = {
        agent: [replace(run, simulated=make_simulated(run.seed)) for run in of_agent]
        for agent, of_agent in runs.items()
    }
    return find(with_workers, BUDGET, ACCURACY)


@pytest.fixture(scope="session")
def brackets() -> Findings:
    runs = make_runs({"ppo": 4.2, "random": 4.0}, seeds=4, judged=False, metric=BRACKETS)
    return find(runs, BUDGET, BRACKETS)
