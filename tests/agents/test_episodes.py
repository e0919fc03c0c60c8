from collections.abc import Callable

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

from agents.episodes import AnyVectorEnv, Episodes, as_vector_env, collect
from agents.errors import InvalidArgumentError
from tests.agents.doubles import Countdown, CountingEvaluator, make_vec

LANES = 6
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED, None]


def make(mode: AutoresetMode | None, evaluator: CountingEvaluator, max_length: int = 6) -> AnyVectorEnv:
    if mode is None:  # our own vector environment
        return make_vec(LANES, evaluator=evaluator, space={"max_length": max_length})

    def single() -> gym.Env[NDArray[np.int64], int]:
        return gym.make("nas_gym:NAS-Moons-v0", evaluator=evaluator, space={"max_length": max_length})

    return SyncVectorEnv([single] * LANES, autoreset_mode=mode)


def preferences(seed: int = 1, actions: int = 10) -> Callable[[NDArray[np.bool_]], NDArray[np.int64]]:
    """The same choices at every use: the best legal action by a table of step, lane and action."""
    generator = np.random.default_rng(seed)

    def choose(masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        table = generator.random((LANES, actions))
        return np.asarray(np.where(masks, table, -1.0).argmax(axis=1))

    return choose


def equal(first: Episodes, second: Episodes) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name))
        for name in ("actions", "masks", "rewards", "lengths")
    )


@pytest.mark.parametrize("count", [1, 4, LANES])
@pytest.mark.parametrize("mode", MODES)
def test_collect__same_choices_give_same_episodes_in_every_autoreset_mode(
    mode: AutoresetMode | None, count: int
) -> None:
    episodes, counted = [], []
    for each in (AutoresetMode.DISABLED, mode):
        evaluator = CountingEvaluator()
        env = make(each, evaluator)
        for seed in (1, 2):  # the second batch finds the lanes as the first one left them
            episodes.append(collect(env, preferences(seed), count, seed=seed))
        counted.append(evaluator.children)
    assert len(set(episodes[0].lengths.tolist())) > 1 or count == 1
    assert equal(episodes[0], episodes[2]) and equal(episodes[1], episodes[3])
    assert not equal(episodes[0], episodes[1])
    assert counted == [2 * count, 2 * count]


def test_collect__pads_after_the_end_of_an_episode() -> None:
    env = make_vec(LANES)
    episodes = collect(env, preferences(), LANES, seed=0)
    steps = int(episodes.lengths.max())
    assert episodes.actions.shape == episodes.rewards.shape == (LANES, steps)
    assert episodes.masks.shape == (LANES, steps, 10)
    assert episodes.actions.dtype == np.int64 and episodes.rewards.dtype == np.float64
    after = np.arange(steps) >= episodes.lengths[:, None]
    last = np.arange(steps) == episodes.lengths[:, None] - 1
    assert after.any()
    assert (episodes.actions[after] == 0).all()
    assert episodes.masks[after].all()
    assert (episodes.rewards[~last] == 0).all() and (episodes.rewards[last] > 0).all()
    assert not episodes.masks[:, 0, 9].any() and episodes.masks[:, 0, :9].all()
    assert sorted(episodes.returns) == sorted(episode.reward for episode in env.episodes)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_collect__without_masks_everything_is_legal(mode: AutoresetMode) -> None:
    script = iter([[2, 0, 1], [1, 2, 2], [0, 2, 1]])
    seen = []

    def choose(masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        seen.append(masks.copy())
        return np.array(next(script))

    episodes = collect(SyncVectorEnv([Countdown] * 3, autoreset_mode=mode), choose, 3, seed=0)
    assert len(seen) == 3 and all(masks.all() and masks.shape == (3, 3) for masks in seen)
    assert episodes.lengths.tolist() == [3, 1, 3]
    assert episodes.actions.tolist() == [[2, 1, 0], [0, 0, 0], [1, 2, 1]]
    assert episodes.rewards.tolist() == [[3, 4, 3], [1, 0, 0], [2, 6, 6]]
    assert episodes.masks.all()


@pytest.mark.parametrize("mode", MODES)
def test_collect__seed_decides_the_children_of_a_stochastic_environment(mode: AutoresetMode | None) -> None:
    def play(seed: int) -> list[float]:
        keywords = {"evaluator": CountingEvaluator(), "stochastic": True}
        if mode is None:
            env: AnyVectorEnv = make_vec(LANES, **keywords)
        else:
            make_one = [lambda: gym.make("nas_gym:NAS-Moons-v0", **keywords)] * LANES  # type: ignore[arg-type]
            env = SyncVectorEnv(make_one, autoreset_mode=mode)
        collect(env, preferences(3), LANES, seed=99)  # uses up the lanes' generators
        return list(collect(env, preferences(), LANES, seed=seed).returns)

    assert play(1) == play(1) != play(2)


def test_as_vector_env__wraps_a_single_environment_in_one_lane() -> None:
    env = as_vector_env(gym.make("nas_gym:NAS-Moons-v0", evaluator=CountingEvaluator()))
    assert env.num_envs == 1
    assert as_vector_env(env) is env


@pytest.mark.parametrize("space", [gym.spaces.Box(0, 1), gym.spaces.Discrete(3, start=1)])
def test_as_vector_env__refuses_actions_that_are_not_discrete_from_zero(
    space: gym.spaces.Space[object],
) -> None:
    env = Countdown()
    env.action_space = space  # type: ignore[assignment]
    with pytest.raises(InvalidArgumentError, match="Discrete action space that starts at 0"):
        as_vector_env(env)
