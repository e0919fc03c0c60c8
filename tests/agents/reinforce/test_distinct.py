from collections import Counter

import numpy as np
import pytest
import torch

from agents.reinforce import Reinforce
from agents.reinforce.drawn import DrawnSentences
from agents.reinforce.policy import Cell
from agents.reinforce.walks import Walks
from agents.replay import Sentence
from tests.agents.doubles import make_vec

SMALL = {"space": {"widths": [1, 2], "activations": ["ReLU"], "max_length": 3}}
NETWORKS = 3 + 9 + 27


@pytest.mark.parametrize(("lanes", "cell"), [(1, "gru"), (4, "nascell"), (20, "lstm")])
def test_distinct__draws_every_architecture_once_and_stops(lanes: int, cell: Cell) -> None:
    env = make_vec(lanes, **SMALL)
    agent = Reinforce(env, distinct=True, baseline="ranks", cell=cell).learn(1_000)
    drawn = [episode.architecture for episode in env.episodes]
    assert len(drawn) == len(set(drawn)) == agent.num_architectures == NETWORKS
    agent.learn(5)
    assert agent.num_architectures == len(env.episodes) == NETWORKS


def test_distinct__holds_for_a_policy_that_is_sure_of_one_sentence() -> None:
    env = make_vec(10)
    agent = Reinforce(env, distinct=True, learning_rate=0.0)
    with torch.no_grad():
        agent.policy.head.bias[3] += 30.0
    agent.learn(120)
    assert len({episode.architecture for episode in env.episodes}) == 120


def test_distinct__survives_a_checkpoint(tmp_path: object) -> None:
    path, env = f"{tmp_path}/checkpoint.pt", make_vec(4, **SMALL)
    Reinforce(env, distinct=True, seed=1).learn(20).save(path)
    Reinforce.load(path, env).learn(1_000)
    assert len({episode.architecture for episode in env.episodes}) == len(env.episodes) == NETWORKS


def test_distinct__draws_what_is_new_as_often_as_the_policy_would() -> None:
    agent = Reinforce(make_vec(1, **SMALL), distinct=True, learning_rate=0.0)
    logits = torch.tensor([0.0, 1.0, 2.0, 0.0])
    with torch.no_grad():
        agent.policy.head.weight.zero_()
        agent.policy.head.bias[:] = logits
    agent._drawn.add([Sentence((2, 1, 2), np.array([[True, True, True, False], *[[True] * 4] * 2]), 0.0)])
    first, later = logits[:3].softmax(0), logits.softmax(0)
    expected: dict[tuple[int, ...], float] = {(action,): float(first[action]) for action in (0, 1)}
    expected |= {(2, action): float(first[2] * later[action]) for action in (0, 2, 3)}
    expected |= {(2, 1, action): float(first[2] * later[1] * later[action]) for action in (0, 1, 3)}
    exits = Walks(agent._drawn, agent.policy, agent._generator).draw(8_000)
    total = sum(expected.values())  # the rest is the sentence that was drawn
    assert len(exits) == pytest.approx(8_000 * total, rel=0.02)
    counts = Counter(exits)
    assert counts.keys() == expected.keys()
    for prefix, chance in expected.items():
        mean = len(exits) * chance / total
        assert abs(counts[prefix] - mean) < 5 * np.sqrt(mean)


def test_drawn_sentences__closes_what_is_exhausted() -> None:
    masks = np.array([[True, True, False], [False, True, True]])
    drawn = DrawnSentences()
    assert drawn.legal(()) is None and not drawn.exhausted
    drawn.add([Sentence((0, 1), masks, 0.0)])
    assert drawn.open(()).tolist() == [True, True, False]
    assert drawn.open((0,)).tolist() == [False, False, True]
    assert drawn.legal((1,)) is None and drawn.legal((0, 1)) is None
    drawn.add([Sentence((0, 2), masks, 0.0)])
    assert drawn.open(()).tolist() == [False, True, False]
    legal = drawn.legal(())
    assert legal is not None and legal.tolist() == [True, True, False]
    drawn.add([Sentence((1,), masks[:1], 0.0)])
    assert drawn.exhausted and len(drawn.sentences) == 3
