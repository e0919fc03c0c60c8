import pickle
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

from nas_gym.envs.nas_env import GameRules, NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.errors import InvalidActionError, InvalidArgumentError
from nas_gym.problems.registration import PROBLEMS, make_env
from nas_gym.search_spaces import MlpSpace
from tests.nas_gym.doubles import QUICK, InstantEvaluator

pytestmark = pytest.mark.usefixtures("small_data")

LANES = 5
EOS = MlpSpace().tokens.index("EOS")


def single(**keywords: Any) -> NasEnv:  # noqa: ANN401
    return NasEnv(MlpSpace(), InstantEvaluator(failing=4), rules=GameRules(**keywords))


def pair(lanes: int = LANES, **keywords: Any) -> tuple[NasVectorEnv, SyncVectorEnv]:  # noqa: ANN401
    singles = [lambda: single(**keywords)] * lanes
    reference = SyncVectorEnv(singles, autoreset_mode=AutoresetMode.SAME_STEP)
    return NasVectorEnv(single(**keywords), lanes), reference


def assert_same(ours: Any, theirs: Any, where: str = "result") -> None:  # noqa: ANN401
    """Hold two nested results equal: types, dtypes, shapes, values, keys."""
    assert type(ours) is type(theirs), where
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs), where
        for key in theirs:
            assert_same(ours[key], theirs[key], f"{where}[{key!r}]")
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype, where
        assert ours.shape == theirs.shape, where
        if theirs.dtype == object:
            for index in np.ndindex(theirs.shape):
                assert_same(ours[index], theirs[index], f"{where}{list(index)}")
        else:
            np.testing.assert_array_equal(ours, theirs, where)
    elif isinstance(theirs, (tuple, list)):
        assert len(ours) == len(theirs), where
        for position, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(a, b, f"{where}[{position}]")
    else:
        assert ours == theirs, where


def test_assert_same__sees_differences() -> None:
    one = {"a": np.array([1, {"b": np.zeros(2)}], dtype=object)}
    assert_same(one, {"a": np.array([1, {"b": np.zeros(2)}], dtype=object)})
    for other in (
        {"a": np.array([1, {"b": np.array([0.0, 1.0])}], dtype=object)},
        {"a": np.array([1, {"b": np.zeros(2, np.float32)}], dtype=object)},
        {"a": np.array([1, {"b": np.zeros(2), "c": 1}], dtype=object)},
        {"a": [1, {"b": np.zeros(2)}]},
    ):
        with pytest.raises(AssertionError):
            assert_same(one, other)


@pytest.mark.parametrize("lanes", [1, LANES, 33])
@pytest.mark.parametrize("stochastic", [False, True])
def test_vector_env__is_so_many_single_ones(lanes: int, stochastic: bool) -> None:
    ours, theirs = pair(lanes, stochastic=stochastic, illegal_reward=-3, failure_reward=-2)
    generator = np.random.default_rng(lanes)
    assert_same(ours.reset(seed=11), theirs.reset(seed=11))
    seen: set[float] = set()
    for step in range(60):
        actions = generator.integers(10, size=lanes)
        result = ours.step(actions)
        assert_same(result, theirs.step(actions), f"step {step}")
        seen.update(result[1].tolist())
    assert {-3.0, -2.0, 0.0} < seen


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("stochastic", [False, True])
def test_vector_env__is_so_many_single_ones_with_real_training(problem: str, stochastic: bool) -> None:
    keywords = {**QUICK[problem], "stochastic": stochastic}
    ours = gym.make_vec(problem, num_envs=3, **keywords)
    theirs = SyncVectorEnv(
        [lambda: make_env(problem, **keywords)] * 3, autoreset_mode=AutoresetMode.SAME_STEP
    )
    generator = np.random.default_rng(0)
    assert_same(ours.reset(seed=3), theirs.reset(seed=3))
    for step in range(25):
        actions = generator.integers(ours.single_action_space.n, size=3)  # type: ignore[attr-defined]
        assert_same(ours.step(actions), theirs.step(actions), f"step {step}")


@pytest.mark.parametrize("seed", [[3, 1, 4, 1, 5], [7, None, 7, None, 8]])
def test_reset__takes_a_seed_for_each_lane(seed: list[int | None]) -> None:
    ours, theirs = pair(stochastic=True)
    ours.reset(seed=0)
    theirs.reset(seed=0)
    assert_same(ours.reset(seed=seed), theirs.reset(seed=seed))
    for actions in (np.full(LANES, 3), np.full(LANES, EOS)) * 3:
        assert_same(ours.step(actions), theirs.step(actions))


def test_reset__without_a_seed_goes_on_with_the_generators() -> None:
    ours, theirs = pair(stochastic=True)
    ours.reset(seed=5)
    theirs.reset(seed=5)
    for _ in range(3):
        assert_same(ours.reset(), theirs.reset())
        for actions in (np.full(LANES, 3), np.full(LANES, EOS)):
            assert_same(ours.step(actions), theirs.step(actions))


@pytest.mark.parametrize("seed", [None, 40, [1, 2, 3, 4, 5]])
def test_reset_mask__resets_only_its_lanes(seed: Any) -> None:  # noqa: ANN401
    ours, theirs = pair(stochastic=True)
    ours.reset(seed=0)
    theirs.reset(seed=0)
    generator = np.random.default_rng(0)
    for _ in range(12):
        actions = generator.integers(10, size=LANES)
        assert_same(ours.step(actions), theirs.step(actions))
        mask = generator.integers(2, size=LANES).astype(np.bool_)
        mask[generator.integers(LANES)] = True
        our_options, their_options = {"reset_mask": mask.copy()}, {"reset_mask": mask.copy()}
        assert_same(
            ours.reset(seed=seed, options=our_options), theirs.reset(seed=seed, options=their_options)
        )
        assert_same(our_options, {"reset_mask": mask})  # ours is left as it was


@pytest.mark.parametrize(
    "mask",
    [
        np.zeros(LANES, dtype=bool),
        np.ones(3, dtype=bool),
        np.ones(LANES),
        [True] * LANES,
        np.ones((LANES, 1), dtype=bool),
    ],
)
def test_reset_mask__that_is_none_is_refused(mask: Any) -> None:  # noqa: ANN401
    ours, _ = pair()
    ours.reset()
    with pytest.raises(InvalidArgumentError, match="reset_mask must be") as error:
        ours.reset(options={"reset_mask": mask})
    assert "\n" not in str(error.value)


def test_step__evaluates_all_finished_children_in_one_call() -> None:
    evaluator = InstantEvaluator()
    env = NasVectorEnv(NasEnv(MlpSpace(), evaluator), 6)
    env.reset(seed=0)
    env.step(np.array([3, 3, EOS, 0, 1, 2]))
    assert evaluator.calls == []
    env.step(np.array([EOS, 6, EOS, EOS, EOS, 6]))
    assert [[str(a) for a in call] for call in evaluator.calls] == [["Linear-8", "Linear-1", "Linear-2"]]
    generator = np.random.default_rng(0)
    for _ in range(50):
        before = len(evaluator.calls)
        finished = env.step(generator.integers(10, size=6))[4].get("final_info", {})
        trained = finished.get("_architecture", np.zeros(6, dtype=bool)).sum()
        assert [len(call) for call in evaluator.calls[before:]] == ([trained] if trained else [])


def test_observations__are_fresh_at_every_call() -> None:
    env, _ = pair()
    first, infos = env.reset(seed=0)
    first[:] = 9
    infos["action_mask"][:] = 0
    second, *_, infos = env.step(np.full(LANES, 3))
    assert second.tolist() == [[4, 0, 0, 0, 0, 0]] * LANES
    second[:] = 0
    env.action_masks()[:] = False
    infos["action_mask"][:] = 0
    third, rewards, *_ = env.step(np.full(LANES, 3))
    assert third.tolist() == [[4, 4, 0, 0, 0, 0]] * LANES
    assert rewards.tolist() == [0.0] * LANES


def test_masks__are_those_of_the_single_environments() -> None:
    env, theirs = pair()
    env.reset(seed=0)
    theirs.reset(seed=0)
    generator = np.random.default_rng(1)
    for _ in range(20):
        actions = generator.integers(10, size=LANES)
        _, _, _, _, infos = env.step(actions)
        theirs.step(actions)
        masks = np.stack([mask for mask in theirs.call("action_masks")])
        assert np.array_equal(env.action_masks(), masks)
        assert env.action_masks().dtype == np.bool_
        assert np.array_equal(infos["action_mask"], masks)


@pytest.mark.parametrize("name", ["NAS-Moons-v0", "nas_gym:NAS-Moons-v0"])
def test_make_vec__gives_the_batched_environment(name: str) -> None:
    env = gym.make_vec(name, num_envs=64, recipe={"epochs": 1})
    assert isinstance(env.unwrapped, NasVectorEnv)
    assert env.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    observations, infos = env.reset(seed=0)
    assert observations.shape == (64, 6)
    assert observations in env.observation_space
    assert infos["action_mask"].shape == (64, 10)
    assert env.action_space.shape == (64,)
    env.step(np.full(64, 3))
    _, rewards, terminated, truncated, _ = env.step(np.full(64, EOS))
    assert terminated.all()
    assert not truncated.any()
    assert len(set(rewards.tolist())) == 1
    assert 0 < rewards[0] <= 1


def test_vector_env__goes_on_equally_after_pickling() -> None:
    env = gym.make_vec("NAS-Moons-v0", num_envs=4, recipe={"epochs": 1}, stochastic=True)
    env.reset(seed=3)
    env.step(np.full(4, 3))
    copy = pickle.loads(pickle.dumps(env))
    for actions in (np.array([EOS, 3, EOS, 6]), np.array([3, EOS, 3, EOS])):
        assert_same(copy.step(actions), env.step(actions))


@pytest.mark.parametrize("num_envs", [0, -1, 2.0, "4", None])
def test_num_envs__out_of_range_is_refused(num_envs: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError) as error:
        NasVectorEnv(single(), num_envs)
    assert str(error.value) == f"num_envs must be an integer from 1, got {num_envs!r}"


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        (np.array([0, 0, 10, 0, 0]), "action 10 is not a token, allowed are 0 to 9"),
        (np.array([0, -1, 0, 0, 0]), "action -1 is not a token"),
        (np.zeros(4, dtype=int), "one integer for each of 5 lanes"),
        (np.zeros(5), "one integer for each of 5 lanes"),
        (np.zeros((5, 1), dtype=int), "one integer for each of 5 lanes"),
        (3, "one integer for each of 5 lanes"),
    ],
)
def test_actions__out_of_range_are_refused_and_change_nothing(actions: NDArray[np.int64], says: str) -> None:
    env, _ = pair()
    env.reset(seed=0)
    with pytest.raises(InvalidActionError) as error:
        env.step(actions)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert env.step(np.zeros(LANES, dtype=np.int64))[0].tolist() == [[1, 0, 0, 0, 0, 0]] * LANES


def test_step__before_reset_is_refused() -> None:
    env, _ = pair()
    with pytest.raises(gym.error.ResetNeeded):
        env.step(np.zeros(LANES, dtype=np.int64))


@pytest.mark.parametrize("seed", [[1, 2], []])
def test_seeds__of_another_number_are_refused(seed: list[int | None]) -> None:
    env, _ = pair()
    with pytest.raises(InvalidArgumentError, match="seed must have one entry a lane"):
        env.reset(seed=seed)
