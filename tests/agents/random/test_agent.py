import numpy as np

from agents.episodes import collect
from agents.random import RandomAgent
from tests.agents.doubles import LEGAL, make_vec


def test_random_agent__draws_uniformly_among_the_legal_actions() -> None:
    env = make_vec(10)
    agent = RandomAgent(env)
    masks = np.zeros((20_000, 10), dtype=np.bool_)
    masks[:, [1, 4, 5, 9]] = True
    actions, _ = agent.predict(np.zeros((20_000, 6), dtype=np.int64), action_masks=masks)
    counts = np.bincount(actions, minlength=10)
    assert counts[~masks[0]].sum() == 0
    assert (abs(counts[masks[0]] - 5_000) < 5 * np.sqrt(5_000)).all()  # five standard deviations


def test_random_agent__never_takes_an_illegal_token() -> None:
    env = make_vec(50)
    RandomAgent(env, seed=2).learn(500)
    assert {episode.status for episode in env.episodes} == {"ok"}
    firsts = {str(episode.architecture).split()[0] for episode in env.episodes}
    assert len(firsts) == LEGAL


def test_random_agent__learns_nothing() -> None:
    env = make_vec(20)
    agent = RandomAgent(env, seed=1)
    other = RandomAgent(make_vec(20), seed=1)
    agent.learn(20)
    batch = collect(make_vec(20), agent._new_batch(20), 20, seed=0)
    other._generator.bit_generator.state = agent._generator.bit_generator.state
    assert (batch.lengths > 0).all() and agent._state().keys() == {"generator"}
