from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.envs.nas_env import GameRules, NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidActionError
from nas_gym.search_spaces import MlpSpace
from tests.nas_gym.doubles import InstantEvaluator, SlowEvaluator

TOKENS = MlpSpace().tokens
LINEAR, TANH, EOS = (TOKENS.index(name) for name in ("Linear-8", "Tanh", "EOS"))


def slow(lanes: int, **rules: Any) -> tuple[NasVectorEnv, SlowEvaluator]:  # noqa: ANN401
    evaluator = SlowEvaluator()
    return NasVectorEnv(NasEnv(MlpSpace(), evaluator, rules=GameRules(**rules)), lanes), evaluator


def test_recv__returns_the_lanes_that_are_ready() -> None:
    env, _ = slow(4, illegal_reward=-2)
    env.reset(seed=0)
    env.send(np.array([LINEAR, LINEAR, LINEAR, EOS]))
    observations, rewards, terminated, truncated, infos = env.recv()
    assert infos["env_id"].tolist() == [0, 1, 2, 3] and observations.shape == (4, 6)
    assert rewards.tolist() == [0, 0, 0, -2] and terminated.tolist() == [False, False, False, True]
    assert not truncated.any()
    env.send(np.array([EOS, TANH, EOS]), np.array([0, 1, 2]))
    observations, _, _, _, infos = env.recv(0)  # the lane whose sentence goes on is not waited for
    assert infos["env_id"].tolist() == [1] and observations.tolist() == [[LINEAR + 1, TANH + 1, 0, 0, 0, 0]]
    assert infos["action_mask"].shape == (1, 10)
    _, rewards, terminated, _, infos = env.recv()
    assert infos["env_id"].tolist() == [2] and terminated.all()  # it is the last that was sent
    architecture = MlpSpace().parse("Linear-8")
    assert infos["final_info"]["architecture"].tolist() == ["Linear-8"]
    assert rewards.tolist() == [InstantEvaluator().evaluate([architecture])[0].score] or rewards[0] > 0
    assert env.recv(9)[4]["env_id"].tolist() == [0]
    assert env.recv(9)[4]["env_id"].tolist() == []


@pytest.mark.parametrize("stochastic", [False, True])
def test_send_and_recv__play_what_step_plays(stochastic: bool) -> None:
    rules = GameRules(stochastic=stochastic)
    step_env = RecordEvaluations(NasVectorEnv(NasEnv(MlpSpace(), SlowEvaluator(), rules=rules), 3))
    env = RecordEvaluations(NasVectorEnv(NasEnv(MlpSpace(), SlowEvaluator(), rules=rules), 3))
    sentences = [[LINEAR, EOS], [LINEAR, TANH, EOS], [TANH] * 6]
    step_env.reset(seed=5)
    for step in range(6):
        step_env.step(np.array([sentence[step % len(sentence)] for sentence in sentences]))
    env.reset(seed=5)
    steps = dict.fromkeys(range(3), 0)
    lanes = np.arange(3)
    while min(steps.values()) < 6:
        tokens = [sentences[lane][steps[lane] % len(sentences[lane])] for lane in lanes.tolist()]
        env.send(np.array(tokens, dtype=np.int64), lanes)
        for lane in lanes.tolist():
            steps[lane] += 1
        ready = env.recv()[4]["env_id"]
        lanes = np.array([lane for lane in ready.tolist() if steps[lane] < 6], dtype=np.int64)
    env.recv(3)

    def played(of: RecordEvaluations) -> list[tuple[Any, ...]]:
        return sorted((str(e.architecture), e.reward, e.seed) for e in of.episodes)

    assert len(env.episodes) == 6 and played(env) == played(step_env)


def test_reset__waits_no_more_for_its_lanes() -> None:
    env, evaluator = slow(2)
    env.reset(seed=0)
    for token in (LINEAR, EOS):
        env.send(np.array([token, token]))
        env.recv(0)
    env.reset(options={"reset_mask": np.array([False, True])})
    env.send(np.array([TANH]), np.array([1]))
    assert env.recv(0)[4]["env_id"].tolist() == [1]
    assert env.recv(2)[4]["env_id"].tolist() == [0]
    assert evaluator.under_way == []


def test_depth_schedule__counts_networks_as_they_are_received() -> None:
    env, _ = slow(2, initial_layers=1, layers_per_growth=1, architectures_per_growth=1)
    env.reset(seed=0)
    env.send(np.array([LINEAR, LINEAR]))
    env.recv(2)
    env.send(np.array([EOS, EOS]))
    assert env.layer_limits is not None and env.layer_limits.tolist() == [1, 1]
    env.recv(1)
    assert env.layer_limits.tolist() == [1, 2]
    env.recv(1)
    assert env.layer_limits.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("actions", "lanes", "says"),
    [
        ([LINEAR], [0, 1], "one integer for each of 2 lanes is needed"),
        ([LINEAR, LINEAR], [1, 1], "lanes must be distinct integers"),
        ([LINEAR], [0.0], "lanes must be distinct integers"),
        ([LINEAR], [3], "lanes are numbered 0 to 2"),
        ([LINEAR], [2], "lane 2 is under way"),
        ([99], [0], "action 99 is not a token"),
    ],
)
def test_send__refuses_what_it_cannot_append(actions: list[int], lanes: list[int], says: str) -> None:
    env, _ = slow(3)
    with pytest.raises(gym.error.ResetNeeded):
        env.send(np.array([LINEAR]), np.array([0]))
    env.reset(seed=0)
    env.send(np.array([LINEAR]), np.array([2]))
    with pytest.raises(InvalidActionError, match=says):
        env.send(np.array(actions), np.array(lanes))
    assert env.recv(3)[4]["env_id"].tolist() == [2]
