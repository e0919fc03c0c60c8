import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from agents import AGENTS, make_agent
from agents.random import RandomAgent
from agents.reinforce import Reinforce
from agents.reinforce.advantages import rank_advantages
from agents.reinforce.losses import clipped_surrogate
from agents.reinforce.policy import Cell
from agents.reinforce.priority_queue import PriorityQueue
from agents.replay import Sentence, episodes_of
from tests.agents.doubles import make_vec, wanted


def sentence(action: int, value: float) -> Sentence:
    return Sentence((action,), np.ones((1, 9), dtype=np.bool_), value)


def test_rank_advantages__by_hand() -> None:
    root = math.sqrt(3)
    assert rank_advantages(np.array([0.3, 0.9, 0.1])) == pytest.approx([0.0, root, -root])
    assert rank_advantages(np.array([0.5, 0.5, 0.9])) == pytest.approx([-root / 2, -root / 2, root])
    assert rank_advantages(np.array([0.9800, 0.9801, -50.0])) == pytest.approx([0.0, root, -root])
    assert rank_advantages(np.array([0.4])) == pytest.approx([0.0])
    assert rank_advantages(np.random.default_rng(0).random(2_001)).std() == pytest.approx(1.0, abs=1e-2)


def test_priority_queue__keeps_the_best_once() -> None:
    queue = PriorityQueue(3)
    queue.add([sentence(0, 0.5), sentence(1, 0.9), sentence(2, 0.1), sentence(3, 0.7)])
    assert [kept.actions for kept in queue.sentences] == [(1,), (3,), (0,)]
    queue.add([sentence(1, 0.9), sentence(4, 0.8), sentence(5, 0.7)])
    assert [kept.actions for kept in queue.sentences] == [(1,), (4,), (3,)]


def test_priority_queue__training_makes_its_sentences_more_probable() -> None:
    agent = Reinforce(make_vec(4), entropy_weight=0.0, queue_size=1, queue_weight=10.0).learn(4)
    (best,) = agent.queue.sentences
    chances = []
    for _ in range(4):
        log_likelihoods, _ = agent._judge(episodes_of([best]))
        chances.append(log_likelihoods.item())
        agent.queue.sentences = [dataclasses.replace(best, value=1.0)]  # none will displace it
        agent.learn(4)
    assert all(later > earlier for earlier, later in pairwise(chances))


def test_clipped_surrogate__starts_as_reinforce_and_stops_at_the_clip() -> None:
    before = torch.tensor([-2.0, -3.0])
    advantages = torch.tensor([1.0, -1.0])
    at_start = before.clone().requires_grad_()
    clipped_surrogate(at_start, before, advantages, 0.2).backward()
    assert at_start.grad is not None
    assert at_start.grad.tolist() == pytest.approx([0.5, -0.5])
    beyond = (before + torch.tensor([0.3, -0.3])).requires_grad_()
    value = clipped_surrogate(beyond, before, advantages, 0.2)
    value.backward()
    assert beyond.grad is not None
    assert beyond.grad.tolist() == [0.0, 0.0]
    assert value.item() == pytest.approx((1.2 - 0.8) / 2)
    back = (before + torch.tensor([-0.3, 0.3])).requires_grad_()  # worse than at the start: no clip
    clipped_surrogate(back, before, advantages, 0.2).backward()
    assert back.grad is not None and (back.grad != 0).all()


def test_epochs__move_the_policy_further() -> None:
    moved = []
    for epochs in (1, 4):
        agent = Reinforce(make_vec(8), learning_rate=0.001, epochs=epochs, seed=2)
        start = [parameter.detach().clone() for parameter in agent.policy.parameters()]
        agent.learn(8)
        pairs = zip(start, agent.policy.parameters(), strict=True)
        moved.append(max(float((a - b.detach()).abs().max()) for a, b in pairs))
    assert moved[0] == pytest.approx(0.001, rel=0.01) and moved[1] > 2 * moved[0]


@pytest.mark.slow
@pytest.mark.timeout(30)  # 300 episodes of a recurrent policy
def test_reinforce__of_the_benchmark_learns_without_repeating_itself() -> None:
    """Random search writes about half a wanted token of five on average; REINFORCE must come to 2.5."""
    scores = {}
    for name in ("random_search", "reinforce"):
        env = make_vec(AGENTS[name].num_envs, evaluator=wanted())
        agent = make_agent(name, env, 0).learn(300)
        scores[type(agent)] = np.mean([5 * episode.reward for episode in env.episodes[-50:]])
    assert len({episode.architecture for episode in env.episodes}) == 300
    assert scores[RandomAgent] < 1
    assert scores[Reinforce] >= 2.5


@pytest.mark.slow
@pytest.mark.timeout(30)  # 500 episodes of a recurrent policy
@pytest.mark.parametrize("cell", ["lstm", "nascell"])
def test_reinforce__learns_with_other_cells_than_its_default(cell: Cell) -> None:
    """As above, with more time: in ten seeds either came to 2.78 at the least."""
    env = make_vec(AGENTS["reinforce"].num_envs, evaluator=wanted())
    Reinforce(env, cell=cell, **AGENTS["reinforce"].arguments).learn(500)
    assert np.mean([5 * episode.reward for episode in env.episodes[-50:]]) >= 2.5
