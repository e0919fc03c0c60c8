import json
import math
import pickle
import subprocess
import sys
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as check_env_of_sb3

from nas_gym.envs.nas_env import HOPELESS, GameRules, NasEnv
from nas_gym.envs.wrappers import MinimalNasShaping, RecordEvaluations
from nas_gym.errors import InvalidActionError, InvalidArgumentError
from nas_gym.pools.threads import Threads
from nas_gym.problems.registration import PROBLEMS, problem
from nas_gym.search_spaces import MlpSpace
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import (
    IN_PROCESS,
    QUICK,
    TRAINED,
    InstantEvaluator,
    pieces_of_data,
    quick,
    random_children,
)
from tests.nas_gym.envs.episodes import plain, trajectory

pytestmark = pytest.mark.usefixtures("small_data")

EOS = MlpSpace().tokens.index("EOS")


def make(**keywords: Any) -> tuple[NasEnv, InstantEvaluator]:  # noqa: ANN401
    evaluator = InstantEvaluator(failing=keywords.pop("failing", 0))
    rest = {name: keywords.pop(name) for name in ("reward", "render_mode") if name in keywords}
    return NasEnv(MlpSpace(), evaluator, rules=GameRules(**keywords), **rest), evaluator


def write(env: gym.Env[Any, Any], sentence: list[int]) -> list[tuple[Any, ...]]:
    env.reset()
    return [env.step(token) for token in sentence]


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("stochastic", [False, True])
def test_env__passes_the_checkers_without_a_warning(name: str, stochastic: bool) -> None:
    env = gym.make(name, render_mode="ansi", stochastic=stochastic, **QUICK[name])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env.unwrapped)
        check_env_of_sb3(env.unwrapped)
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize(("name", "way"), IN_PROCESS)
def test_env__trains_and_judges_what_was_written(name: str, way: str) -> None:
    env, made = gym.make(f"nas_gym:{name}", **QUICK[name] | {"evaluator": way}), quick(name, evaluator=way)
    (architecture,) = random_children(made.search_space, 1)
    sentence = list(made.search_space.encode(architecture))
    *first, last = write(env, sentence)
    assert [step[1:4] for step in first] == [(0.0, False, False)] * len(first)
    observation, reward, terminated, truncated, info = last
    (expected,) = made.make_evaluator().evaluate([architecture])
    assert made.reward is not None and reward == made.reward(expected)
    assert type(reward) is float
    assert (terminated, truncated) == (True, False)
    padding = [0] * (made.search_space.max_length - len(sentence))
    assert observation.tolist() == [token + 1 for token in sentence] + padding
    assert info["architecture"] == str(architecture)
    assert info["evaluation"] == expected.as_info()
    assert json.loads(json.dumps(info["evaluation"])) == info["evaluation"]


@pytest.mark.parametrize(("name", "way"), IN_PROCESS)
def test_env__holds_no_test_data(name: str, way: str) -> None:
    env = gym.make(name, **QUICK[name] | {"evaluator": way})
    assert isinstance(env.unwrapped, NasEnv)
    space = env.unwrapped.search_space
    write(env, list(space.encode(random_children(space, 1)[0])))
    held = pickle.dumps(env)
    train, test = pieces_of_data(name)
    assert train in held
    assert not any(piece in held for piece in test)


@pytest.mark.parametrize("problem", TRAINED)
def test_env__goes_on_equally_after_pickling(problem: str) -> None:
    env = gym.make(problem, stochastic=True, **QUICK[problem])
    assert isinstance(env.unwrapped, NasEnv)
    space = env.unwrapped.search_space
    first, *rest = space.encode(random_children(space, 1)[0])
    env.reset(seed=7)
    env.step(first)
    copy = pickle.loads(pickle.dumps(env))
    for token in rest:
        assert plain(list(copy.step(token))) == plain(list(env.step(token)))
    assert trajectory(copy, 1, 30) == trajectory(env, 1, 30)


@pytest.mark.slow  # another process imports Gymnasium and Numba or PyTorch first
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("problem", "kind"),
    [
        ("NAS-Moons-v0", "stochastic"),
        ("NAS-Moons-v0", "deterministic"),
        ("NAS-Digits-v0", "stochastic"),
    ],
)
def test_env__replays_equally_in_another_process(problem: str, kind: str) -> None:
    command = [sys.executable, "-m", "tests.nas_gym.envs.episodes", problem, kind]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    env = gym.make(problem, stochastic=kind == "stochastic", **QUICK[problem])
    here = trajectory(env, seed=3, steps=60)
    assert json.loads(run.stdout) == here
    statuses = [step[4] for step in here if len(step) == 5 and step[2]]
    assert any("evaluation" in info for info in statuses)
    assert any("illegal_token" in info for info in statuses)


def test_spaces__are_those_that_the_docstring_names() -> None:
    env, _ = make()
    assert env.action_space == gym.spaces.Discrete(10)
    assert env.observation_space == gym.spaces.MultiDiscrete([11] * 6)


def test_mask__says_what_may_follow() -> None:
    env, _ = make()
    _, info = env.reset()
    for token in [0] * 5:
        legal = env.search_space.legal_next([0] * int((env._observation() > 0).sum()))
        assert info["action_mask"].dtype == np.int8
        assert env.action_masks().dtype == np.bool_
        assert info["action_mask"].tolist() == env.action_masks().tolist() == legal.tolist()
        env.action_space.sample(info["action_mask"])
        info = env.step(token)[4]
    info = env.step(0)[4]
    assert not info["action_mask"].any()
    assert not env.action_masks().any()


@pytest.mark.parametrize("keywords", [{}, {"illegal_reward": -7.5}])
def test_illegal_token__ends_the_episode_and_trains_nothing(keywords: dict[str, Any]) -> None:
    env, evaluator = make(**keywords)
    ((observation, reward, terminated, truncated, info),) = write(env, [EOS])
    assert reward == keywords.get("illegal_reward", -1.0)
    assert type(reward) is float
    assert (terminated, truncated) == (True, False)
    assert set(info) == {"action_mask", "illegal_token"}
    assert info["illegal_token"] == "EOS"
    assert not info["action_mask"].any()
    assert not env.action_masks().any()
    assert not observation.any()
    assert evaluator.calls == []
    with pytest.raises(gym.error.ResetNeeded):
        env.step(0)


@pytest.mark.parametrize(
    "action", [-1, 10, np.int64(99), 4.7, np.float32(0.5), math.nan, math.inf, "4", None, np.array([1, 2])]
)
@pytest.mark.parametrize("shaped", [False, True])
def test_action__that_is_no_token_is_refused(action: Any, shaped: bool) -> None:  # noqa: ANN401
    env: Any = gym.make("NAS-Moons-v0", evaluator=InstantEvaluator(), disable_env_checker=True)
    env = MinimalNasShaping(env) if shaped else env
    env.reset()
    with pytest.raises(InvalidActionError) as error:
        env.step(action)
    assert str(error.value) == f"action {action} is not a token, allowed are 0 to 9"
    assert env.step(0)[0].tolist() == [1, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("action", [4, np.int64(4), np.uint8(4), np.array(4), 4.0, torch.tensor(4)])
def test_action__may_be_any_whole_number(action: Any) -> None:  # noqa: ANN401
    env, _ = make()
    env.reset()
    assert env.step(action)[0].tolist() == [5, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("sentence", [[0, EOS], [0] * 6])
def test_step__after_the_end_needs_a_reset(sentence: list[int]) -> None:
    env, evaluator = make()
    assert [step[2] for step in write(env, sentence)] == [False] * (len(sentence) - 1) + [True]
    with pytest.raises(gym.error.ResetNeeded, match="reset"):
        env.step(0)
    assert len(evaluator.calls) == 1
    env.reset()
    assert env.step(0)[2] is False


def test_truncated__is_always_false() -> None:
    env, _ = make(failing=3)
    generator = np.random.default_rng(0)
    for _ in range(50):
        env.reset()
        terminated = False
        while not terminated:
            _, reward, terminated, truncated, _ = env.step(int(generator.integers(10)))
            assert truncated is False
            assert type(terminated) is bool
            assert type(reward) is float


def test_arrays__are_fresh_at_every_call() -> None:
    env, _ = make()
    observation, info = env.reset()
    for token in (3, 6, EOS):
        seen, legal = observation.copy(), env.action_masks()
        observation[:] = 5
        info["action_mask"][:] = 0
        env.action_masks()[:] = False
        assert np.array_equal(env.action_masks(), legal)
        spoiled = observation
        observation, *_, info = env.step(token)
        assert (spoiled == 5).all()
        length = int((seen > 0).sum())
        assert observation[:length].tolist() == seen[:length].tolist()
        assert observation[length] == token + 1
    assert observation.tolist() == [4, 7, 10, 0, 0, 0]
    assert env.reset()[0].tolist() == [0] * 6


def test_evaluation__happens_once_for_equal_networks() -> None:
    inner = InstantEvaluator()
    env = problem("NAS-Moons-v0", evaluator=inner).make_env()
    rewards = [write(env, [3, EOS])[-1][1] for _ in range(3)]
    assert len(inner.calls) == 1
    assert len(set(rewards)) == 1


def test_stochastic__draws_each_childs_seed_from_the_reset_seed() -> None:
    def play(seed: int) -> tuple[list[float], list[int], int]:
        env, evaluator = make(stochastic=True)
        env.reset(seed=seed)
        rewards = []
        for _ in range(4):
            rewards.append(write(env, [3, EOS])[-1][1])
        return rewards, evaluator.seeds, len(evaluator.calls)

    rewards, seeds, calls = play(1)
    assert (rewards, seeds, calls) == play(1)
    assert calls == 4, "equal networks are trained anew"
    assert len(set(seeds)) == len(set(rewards)) == 4
    assert not set(seeds) & set(play(2)[1])
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_stochastic__is_not_cached() -> None:
    env = gym.make("NAS-Moons-v0", recipe={"epochs": 1}, stochastic=True)
    env.reset(seed=0)
    infos = [write(env, [3, 6, EOS])[-1][4] for _ in range(3)]
    assert len({info["evaluation"]["seed"] for info in infos}) == 3


def test_deterministic__ignores_the_reset_seed() -> None:
    rewards = []
    for seed in (0, 1):
        env, _ = make()
        env.reset(seed=seed)
        rewards.append(write(env, [3, EOS])[-1][1])
    assert rewards[0] == rewards[1]


@pytest.mark.parametrize("keywords", [{}, {"failure_reward": -0.5}])
def test_failing_child__earns_the_failure_reward(keywords: dict[str, Any]) -> None:
    env, _ = make(failing=1, reward=lambda evaluation: 1 / 0, **keywords)
    _, reward, terminated, _, info = write(env, [3, EOS])[-1]
    assert reward == keywords.get("failure_reward", 0.0)
    assert terminated
    assert info["evaluation"]["status"] == "failed"
    assert "scores" not in info["evaluation"]
    assert info["evaluation"]["reason"]


def test_failing_children__one_after_another_are_told_once() -> None:
    env, _ = make(failing=1)
    for _ in range(HOPELESS - 1):
        write(env, [3, EOS])
    with pytest.warns(UserWarning, match=f"none of the first {HOPELESS} networks could be trained: "):
        write(env, [3, EOS])
    write(env, [3, EOS])  # any warning more would be an error


def test_failing_children__after_one_that_was_trained_are_told_by_their_rewards() -> None:
    env, evaluator = make()
    write(env, [3, EOS])
    evaluator.failing = 1
    for _ in range(2 * HOPELESS):
        assert write(env, [3, EOS])[-1][1] == 0.0


@pytest.mark.parametrize("evaluator", ["fused", "local"])
def test_failing_child__of_a_huge_learning_rate_is_reported(evaluator: str) -> None:
    exploding = {"learning_rate": 1e38}
    env = gym.make("NAS-Moons-v0", evaluator=evaluator, recipe=exploding, failure_reward=-0.25)
    for _ in range(2):
        _, reward, _, _, info = write(env, [3, 6, EOS])[-1]
        assert reward == -0.25
        assert info["evaluation"]["status"] == "failed"
        assert "not finite" in info["evaluation"]["reason"]


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"illegal_reward": float("nan")}, "illegal_reward must be a finite number, got nan"),
        ({"illegal_reward": "-1"}, "illegal_reward must be a finite number, got '-1'"),
        ({"failure_reward": float("-inf")}, "failure_reward must be a finite number, got -inf"),
        ({"render_mode": "human"}, "render_mode must be None or one of ansi, rgb_array, got 'human'"),
    ],
)
def test_arguments__out_of_range_are_refused(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        make(**keywords)
    assert str(error.value) == says


def test_reward__that_is_not_finite_is_one_line() -> None:
    def worthless(_: Evaluation) -> float:
        return float("nan")

    env, _ = make(reward=worthless)
    with pytest.raises(InvalidArgumentError, match="worthless of Linear-8 is nan, it must be finite"):
        write(env, [3, EOS])


def test_metric__is_published_as_plain_data() -> None:
    env = gym.make("NAS-Moons-v0", evaluator="local", metric="balanced_accuracy", recipe={"epochs": 1})
    assert isinstance(env.unwrapped, NasEnv)
    assert env.unwrapped.metric.name == "balanced_accuracy"
    info = write(env, [3, EOS])[-1][4]
    assert next(iter(info["evaluation"]["scores"])) == "balanced_accuracy"


def test_close__ends_what_the_environment_has_started_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[object] = []
    for kind in (Threads, InstantEvaluator):
        monkeypatch.setattr(kind, "close", lambda self: closed.append(self))
    lent: dict[str, Any] = {"evaluator": InstantEvaluator()}
    for keywords, often in ((lent, 0), ({}, 4)):
        gym.make("NAS-Moons-v0", **keywords).close()
        gym.wrappers.TimeLimit(gym.make("NAS-Moons-v0", **keywords), 3).close()
        gym.make_vec("NAS-Moons-v0", num_envs=2, **keywords).close()
        RecordEvaluations(gym.make_vec("NAS-Moons-v0", num_envs=2, **keywords)).close()
        assert len(set(map(id, closed))) == often
