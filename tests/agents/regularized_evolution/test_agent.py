import numpy as np
import pytest

from agents.errors import InvalidArgumentError
from agents.random import RandomAgent
from agents.regularized_evolution import RegularizedEvolution
from nas_gym.search_spaces import MlpSpace
from tests.agents.doubles import make_vec, wanted

SPACE = MlpSpace()


def tokens(text: str) -> tuple[int, ...]:
    return SPACE.encode(SPACE.parse(text))


def test_population__holds_the_youngest() -> None:
    env = make_vec(1)
    agent = RegularizedEvolution(env, population_size=7, sample_size=2).learn(40)
    youngest = [tokens(str(episode.architecture)) for episode in env.episodes[-7:]]
    assert [member.actions for member in agent.population] == youngest
    best = max(env.episodes, key=lambda episode: episode.reward)
    assert agent.best is not None and agent.best.actions == tokens(str(best.architecture))


def test_child__is_a_mutant_of_the_best_of_the_sample() -> None:
    env = make_vec(1)
    agent = RegularizedEvolution(env, population_size=5, sample_size=5, seed=3).learn(5)
    for _ in range(60):
        parent = max(agent.population, key=lambda member: member.value).actions
        agent.learn(1)
        child = agent.population[-1].actions
        differ = [a != b for a, b in zip(parent, child, strict=False)]
        step = differ.index(True)
        shared = min(len(parent), len(child))
        assert sum(differ) == 1 or len(parent) < len(child)
        assert child[:step] == parent[:step] and child[step + 1 : shared - 1] == parent[step + 1 : shared - 1]


def test_mutation__reaches_every_alternative() -> None:
    agent = RegularizedEvolution(make_vec(1), population_size=1, sample_size=1).learn(1)
    parent = agent.population[0]
    mutants = {agent._mutant() for _ in range(3_000)}
    assert len(mutants) == len(parent.alternatives())


@pytest.mark.slow
@pytest.mark.timeout(20)  # searches to compare with
def test_agent__learns() -> None:
    """Random search writes about half a wanted token of five on average; evolution must come to 3."""
    scores = {}
    for agent_class in (RandomAgent, RegularizedEvolution):
        env = make_vec(1, evaluator=wanted())
        agent_class(env, seed=0).learn(300)
        scores[agent_class] = np.mean([5 * episode.reward for episode in env.episodes[-50:]])
    assert scores[RandomAgent] < 1
    assert scores[RegularizedEvolution] >= 3


@pytest.mark.parametrize(("population", "sample"), [(0, 1), (5, 6), (5, 0), (2.5, 1), (True, 1)])
def test_agent__refuses_impossible_sizes(population: int, sample: int) -> None:
    with pytest.raises(InvalidArgumentError, match="_size must be an integer from 1 to") as error:
        RegularizedEvolution(make_vec(1), population_size=population, sample_size=sample)
    assert "\n" not in str(error.value)
