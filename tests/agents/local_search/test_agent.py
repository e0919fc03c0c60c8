import numpy as np
import pytest

from agents.errors import InvalidArgumentError
from agents.local_search import LocalSearch
from agents.local_search.agent import Improvement
from agents.random import RandomAgent
from agents.replay import Sentence
from tests.agents.doubles import CountingEvaluator, make_vec, wanted

SMALL = {"space": {"widths": [1, 2], "activations": ["ReLU"], "max_length": 3}}  # 3 + 9 + 27 = 39 networks


@pytest.mark.parametrize("improvement", ["best", "first"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_agent__climbs_and_restarts_at_a_local_optimum(improvement: Improvement, lanes: int) -> None:
    agent = LocalSearch(make_vec(lanes, **SMALL), improvement=improvement, seed=1)
    starts, optima, before = 0, 0, None
    for _ in range(60):
        agent.learn(lanes)
        if agent.centre is None:
            optima += before is not None
        elif before is None:
            starts += 1
        else:
            assert agent.centre is before or agent.centre.value > before.value
        before = agent.centre
    assert starts > 2 and optima > 1
    assert agent.best is not None
    assert agent.best.value == max(sentence.value for sentence in agent._known.values())


def test_agent__leaves_an_optimum_only_when_all_its_neighbours_are_known() -> None:
    visited: list[Sentence] = []

    class Walker(LocalSearch):
        def _move(self, centre: Sentence) -> None:
            visited.append(centre)
            super()._move(centre)

    agent = Walker(make_vec(1, **SMALL), seed=2)
    checked = 0
    for _ in range(60):
        agent.learn(1)
        if agent.centre is None:
            for step, action in visited[-1].alternatives():
                prefix = (*visited[-1].actions[:step], action)
                family = [known for known in agent._known.values() if known.actions[: step + 1] == prefix]
                assert min(known.value for known in family) <= visited[-1].value
                checked += 1
    assert checked > 5


def test_agent__best_improvement_looks_at_all_neighbours_before_it_moves() -> None:
    agent = LocalSearch(make_vec(1), improvement="best", seed=0).learn(1)
    centre = agent.centre
    assert centre is not None
    count = len(centre.alternatives())
    agent.learn(count - 1)
    assert agent.centre is centre
    agent.learn(1)
    assert agent.centre is not centre
    known = sorted(agent._known.values(), key=lambda sentence: sentence.value)
    assert agent.centre is (known[-1] if known[-1].value > centre.value else None)


def test_agent__first_improvement_moves_at_once() -> None:
    env = make_vec(1, evaluator=wanted())
    agent = LocalSearch(env, improvement="first", seed=0).learn(1)
    for _ in range(80):
        before = agent.centre
        agent.learn(1)
        if before is not None and env.episodes[-1].reward > before.value:
            assert agent.centre is not None and agent.centre.value == env.episodes[-1].reward


@pytest.mark.parametrize("improvement", ["best", "first"])
def test_agent__wastes_hardly_an_episode_on_what_it_knows(improvement: Improvement) -> None:
    evaluator = CountingEvaluator()
    env = make_vec(1, evaluator=evaluator)
    LocalSearch(env, improvement=improvement, seed=0).learn(400)
    assert len({episode.architecture for episode in env.episodes}) > 390


@pytest.mark.slow
@pytest.mark.timeout(20)  # searches to compare with
def test_agent__learns() -> None:
    """The best of 300 random sentences has at most 4 of 5 wanted tokens; local search must find all 5."""
    best = {}
    for agent_class in (RandomAgent, LocalSearch):
        runs = []
        for seed in (0, 2, 3):
            env = make_vec(1, evaluator=wanted())
            agent_class(env, seed=seed).learn(300)
            runs.append(max(round(5 * episode.reward) for episode in env.episodes))
        best[agent_class] = np.array(runs)
    assert (best[RandomAgent] <= 4).all()
    assert (best[LocalSearch] == 5).all()


def test_agent__unknown_form_is_one_line() -> None:
    with pytest.raises(InvalidArgumentError, match="unknown improvement 'any'; there are best, first"):
        LocalSearch(make_vec(1), improvement="any")  # type: ignore[arg-type]
