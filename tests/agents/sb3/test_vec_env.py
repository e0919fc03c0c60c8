from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported
from stable_baselines3.common.vec_env import VecMonitor

from agents.errors import InvalidArgumentError
from agents.sb3 import GymnasiumVecEnv
from tests.agents.doubles import Countdown, CountingEvaluator, make_vec

LANES = 5


def test_vec_env__steps_as_the_vector_environment_does() -> None:
    plain, adapted = make_vec(LANES), GymnasiumVecEnv(make_vec(LANES))
    assert (adapted.num_envs, adapted.observation_space, adapted.action_space) == (
        LANES,
        plain.single_observation_space,
        plain.single_action_space,
    )
    generator = np.random.default_rng(0)
    assert np.array_equal(plain.reset()[0], adapted.reset())
    seen = set()
    for _ in range(60):
        actions = generator.integers(10, size=LANES)  # illegal ones among them
        observations, rewards, terminated, _, infos = plain.step(actions)
        found, found_rewards, dones, lane_infos = adapted.step(actions)
        assert isinstance(found, np.ndarray) and np.array_equal(observations, found)
        assert found_rewards.dtype == np.float32
        assert np.array_equal(rewards.astype(np.float32), found_rewards)
        assert np.array_equal(terminated, dones)
        for lane in range(LANES):
            info = lane_infos[lane]
            assert ("terminal_observation" in info) == dones[lane]
            if not dones[lane]:
                continue
            final = infos["final_info"]
            assert np.array_equal(info["terminal_observation"], infos["final_obs"][lane])
            assert info["TimeLimit.truncated"] is False
            if "illegal_token" in info:
                assert rewards[lane] == -1.0 and info["illegal_token"] == final["illegal_token"][lane]
                assert "architecture" not in info
            else:
                assert info["architecture"] == final["architecture"][lane]
                assert info["evaluation"]["scores"]["accuracy"] == rewards[lane]
            seen.add("illegal_token" in info)
    assert seen == {True, False}


def test_vec_env__serves_masks_lane_by_lane() -> None:
    plain, adapted = make_vec(LANES), GymnasiumVecEnv(make_vec(LANES))
    monitored = VecMonitor(adapted)
    assert is_masking_supported(monitored)
    _, infos = plain.reset()
    adapted.reset()
    generator = np.random.default_rng(0)
    different = False
    for _ in range(30):
        masks = infos["action_mask"].astype(np.bool_)
        assert np.array_equal(get_action_masks(monitored), masks)
        assert np.array_equal(np.array(adapted.env_method("action_masks", indices=[3, 1])), masks[[3, 1]])
        different |= len(np.unique(masks, axis=0)) > 1
        actions = np.where(masks, generator.random(masks.shape), -1).argmax(axis=1)
        actions[0] = 0  # never ends early
        infos = plain.step(actions)[4]
        adapted.step(actions)
    assert different


def test_vec_env__says_when_there_are_no_masks() -> None:
    env = GymnasiumVecEnv(SyncVectorEnv([Countdown] * 2, autoreset_mode=AutoresetMode.SAME_STEP))
    env.reset()
    with pytest.raises(AttributeError, match="action_mask"):
        env.action_masks()


def test_vec_env__truncated_episodes_are_marked() -> None:
    env = GymnasiumVecEnv(SyncVectorEnv([Countdown] * 2, autoreset_mode=AutoresetMode.SAME_STEP))
    env.reset()
    env.step(np.array([1, 1]))
    env.step(np.array([1, 1]))
    _, _, dones, infos = env.step(np.array([0, 1]))
    assert dones.tolist() == [True, True]
    assert [info["TimeLimit.truncated"] for info in infos] == [False, True]
    assert infos[1]["terminal_observation"].tolist() == [2, 2, 2]


def test_vec_env__seeds_repeat() -> None:
    def play(env: GymnasiumVecEnv, seed: int) -> list[float]:
        env.seed(seed)
        env.reset()
        generator, rewards = np.random.default_rng(0), []
        for _ in range(12):
            rewards += env.step(generator.integers(9, size=LANES))[1].tolist()
        return rewards

    env, other = (GymnasiumVecEnv(make_vec(LANES, stochastic=True)) for _ in range(2))
    first = play(env, 7)
    assert play(env, 7) == first == play(other, 7)
    assert play(env, 8) != first


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_vec_env__refuses_other_autoreset_modes(mode: AutoresetMode) -> None:
    with pytest.raises(InvalidArgumentError, match="SAME_STEP is needed, got AutoresetMode") as error:
        GymnasiumVecEnv(SyncVectorEnv([Countdown], autoreset_mode=mode))
    assert "\n" not in str(error.value)


def test_vec_env__works_with_gymnasiums_own_vector_environments() -> None:
    def single() -> gym.Env[Any, Any]:
        return gym.make("nas_gym:NAS-Moons-v0", evaluator=CountingEvaluator())

    ours = GymnasiumVecEnv(make_vec(LANES))
    theirs = GymnasiumVecEnv(SyncVectorEnv([single] * LANES, autoreset_mode=AutoresetMode.SAME_STEP))
    generator = np.random.default_rng(0)
    assert np.array_equal(ours.reset(), theirs.reset())
    for _ in range(40):
        actions = generator.integers(10, size=LANES)
        for expected, found in zip(ours.step(actions)[:3], theirs.step(actions)[:3], strict=True):
            assert np.array_equal(np.asarray(expected), np.asarray(found))
        assert np.array_equal(ours.action_masks(), theirs.action_masks())


def test_vec_env__attributes_are_those_of_all_lanes() -> None:
    inner = make_vec(3)
    env = GymnasiumVecEnv(inner)
    assert env.get_attr("num_envs") == [3, 3, 3] and env.get_attr("num_envs", indices=1) == [3]
    env.set_attr("note", "x")
    assert inner.note == "x"  # type: ignore[attr-defined]
    with pytest.raises(InvalidArgumentError, match="'note' can only be set for all lanes at once"):
        env.set_attr("note", "y", indices=[0])
    assert env.env_is_wrapped(VecMonitor) == [False] * 3
    assert list(env.get_images()) == [None] * 3
    pictures = GymnasiumVecEnv(make_vec(2, render_mode="rgb_array"))
    pictures.reset()
    assert [picture.shape[2] for picture in pictures.get_images() if picture is not None] == [3, 3]
