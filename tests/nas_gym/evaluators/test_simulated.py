from contextlib import closing
from typing import Any

import numpy as np
import pytest

from agents import REINFORCE_FORMS, make_agent
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.remembered.lookup import TableEvaluator
from nas_gym.evaluators.remembered.simulated import SimulatedEvaluator, SimulatedWorkers
from nas_gym.problems.registration import problem
from nas_gym.search_spaces import NasBench201Space
from tests.nas_gym.memory.made_up import made_up_table

SPACE = NasBench201Space(("none", "skip_connect"))
TIMED = made_up_table(SPACE, seconds=np.arange(1.0, 65.0))
CELLS = [SPACE.unrank(rank) for rank in (9, 4, 63, 9)]


def test_simulated__finds_what_the_table_holds_when_it_is_done() -> None:
    evaluator = SimulatedEvaluator(TableEvaluator(TIMED), SimulatedWorkers(2))
    expected = TableEvaluator(TIMED).evaluate(CELLS)
    found = evaluator.evaluate(CELLS)
    assert [e.scores for e in found] == [e.scores for e in expected]
    assert [e.seconds for e in found] == [10, 5, 64, 10]
    assert [e.simulated_seconds for e in found] == [10, 5, 69, 20]
    assert evaluator.pool.now == 69
    assert [e.seed for e in evaluator.evaluate(CELLS[:1], [7])] == [7]


def test_simulated__may_be_given_times() -> None:
    evaluator = SimulatedEvaluator(TableEvaluator(made_up_table(SPACE)), SimulatedWorkers(50, seconds=10))
    seconds = np.log([e.seconds for e in evaluator.evaluate(CELLS * 500)])
    assert np.median(seconds) == pytest.approx(np.log(10), abs=0.05)
    assert seconds.std() == pytest.approx(0.5, abs=0.03)


def test_simulated__says_what_was_lost() -> None:
    evaluator = SimulatedEvaluator(TableEvaluator(TIMED), SimulatedWorkers(2, deaths=1))
    (found,) = evaluator.evaluate(CELLS[:1])
    assert (found.status, found.scores, found.reason) == ("failed", {}, "its worker died 2 times")


@pytest.mark.parametrize("workers", [3, {"workers": 3}, SimulatedWorkers(3)])
def test_problem__has_workers_by_one_keyword(workers: Any) -> None:  # noqa: ANN401
    made = problem("NAS-Bench-201-v0", table=TIMED, workers=workers)
    assert made.workers == SimulatedWorkers(3)
    env = made.make_vector_env(4)
    env.reset(seed=0)
    for _ in range(6):
        _, rewards, terminated, _, infos = env.step(np.zeros(4, dtype=np.int64))
    assert terminated.all()
    # Equal children are trained once.
    assert infos["final_info"]["evaluation"]["simulated_seconds"].tolist() == [1.0] * 4
    plain = problem("NAS-Bench-201-v0", table=TIMED).make_vector_env(4)
    plain.reset(seed=0)
    for _ in range(6):
        _, expected, *_ = plain.step(np.zeros(4, dtype=np.int64))
    assert rewards.tolist() == expected.tolist()


@pytest.mark.slow  # five searches
@pytest.mark.timeout(120)
@pytest.mark.parametrize("agent", ["random_search", "reinforce", "faithful", "regularized_evolution"])
def test_orders__end_with_deaths_and_nodes_that_vanish_and_submission_is_the_same(agent: str) -> None:
    space = NasBench201Space()
    table = made_up_table(space, seconds=1.0 + np.arange(space.count()) % 97)
    losses = {"deaths": 0.02, "node_seconds": 300, "start_seconds": 5, "notice_seconds": 20, "seed": 1}

    def play(order: Any, workers: int, **keywords: float) -> tuple[list[tuple[Any, ...]], float]:  # noqa: ANN401
        """Return the episodes, and how long workers worked in vain."""
        made = problem("NAS-Bench-201-v0", table=table, workers={"workers": workers, **keywords})
        with closing(RecordEvaluations(made.make_vector_env(32))) as env:
            make_agent(REINFORCE_FORMS.get(agent, agent), env, 1).learn(
                80, order=order, episodes_per_update=8
            )
            lost = env.unwrapped.evaluator.evaluator.pool.lost_seconds  # type: ignore[attr-defined]
            return sorted((e.architecture, e.status, e.reward) for e in env.episodes), lost

    expected, _ = play("submission", 1)
    assert expected == play("submission", 8)[0]
    same, lost = play("submission", 8, **losses)
    assert same == expected and lost > 0, "no child died twice, and all others came in the end"
    for order in ("arrival", "batch"):
        played, _ = play(order, 8, **losses)
        assert len(played) == 80 and {e[1] for e in played} <= {"ok", "failed"}


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"workers": 0}, "workers must be an integer from 1, got 0"),
        (
            {"workers": {"workers": 2, "death": 1}},
            "workers simulated has no keyword 'death'",
        ),
        ({"workers": 2, "budget_seconds": 9}, "budget_seconds is for one worker"),
        ({"workers": {"workers": 2, "seconds": -1}}, "seconds must be a positive number or None"),
        ({"workers": 2, "table": made_up_table(SPACE)}, "workers need training times"),
    ],
)
def test_problem__refuses_workers_that_cannot_be(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        problem("NAS-Bench-201-v0", **{"table": TIMED, **keywords})
