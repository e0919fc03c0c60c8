from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from nas_gym.envs.episode import Episode
from nas_gym.envs.nas_env import GameRules, NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.envs.wrappers import (
    MinimalNasShaping,
    RecordEvaluations,
    VectorMinimalNasShaping,
    minimal_nas_shaping,
)
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.diagram import Block
from tests.nas_gym.doubles import InstantEvaluator

SPACE = MlpSpace()
EOS = SPACE.tokens.index("EOS")


class OtherSpace(SearchSpace):
    """One token, one network."""

    id = "other-v0"
    tokens = ("only",)
    end_token = None
    max_length = 1

    def legal_next(self, prefix: Any) -> Any:  # noqa: ANN401
        return np.array([not prefix])

    def count(self) -> int:
        return 1

    def diagram(self, tokens: Any) -> tuple[Block, ...]:  # noqa: ANN401
        return ()


@pytest.mark.parametrize(
    ("sentence", "shaping"),
    [
        ("Linear-8 EOS", [0, -1]),
        ("Tanh EOS", [0, -1]),
        ("Linear-8 Tanh EOS", [0, 0, 0]),
        ("Linear-8 Linear-2 EOS", [0, -0.1, 0]),
        ("Tanh Tanh ReLU Linear-1 Linear-1 Sigmoid", [0, -0.1, -0.1, 0, -0.1, 0]),
        ("Linear-8 Tanh Linear-8 Tanh Linear-8 Tanh", [0, 0, 0, 0, 0, 0]),
        ("EOS", [0]),
    ],
)
def test_shaping__follows_the_rules_of_the_minimal_nas_system(sentence: str, shaping: list[float]) -> None:
    names = sentence.split()
    assert [minimal_nas_shaping(names[:i], name) for i, name in enumerate(names)] == shaping
    plain, shaped = NasEnv(SPACE, InstantEvaluator()), MinimalNasShaping(NasEnv(SPACE, InstantEvaluator()))
    for _ in range(2):  # the second episode must not remember the first
        plain.reset()
        shaped.reset()
        for name, extra in zip(names, shaping, strict=True):
            token = SPACE.tokens.index(name)
            expected, found = plain.step(token), shaped.step(token)
            assert found[1] == pytest.approx(expected[1] + extra)
            assert type(found[1]) is float
            assert found[0].tolist() == expected[0].tolist()
            assert found[2:4] == expected[2:4]


@pytest.mark.parametrize("stochastic", [False, True])
def test_vector_shaping__is_the_single_one_in_every_lane(stochastic: bool) -> None:
    def single() -> NasEnv:
        return NasEnv(SPACE, InstantEvaluator(failing=5), rules=GameRules(stochastic=stochastic))

    lanes = 6
    ours = VectorMinimalNasShaping(NasVectorEnv(single(), lanes))
    theirs = [MinimalNasShaping(single()) for _ in range(lanes)]
    ours.reset(seed=4)
    for lane, env in enumerate(theirs):
        env.reset(seed=4 + lane)
    generator, shaped = np.random.default_rng(0), 0
    for _ in range(60):
        actions = generator.integers(10, size=lanes)
        observations, rewards, terminated, _, _ = ours.step(actions)
        for lane, env in enumerate(theirs):
            observation, reward, ended, _, _ = env.step(int(actions[lane]))
            assert rewards[lane] == reward
            assert terminated[lane] == ended
            if ended:
                observation = env.reset()[0]
            assert observations[lane].tolist() == observation.tolist()
            shaped += reward < 0 and reward != -1
    assert shaped > 20


def test_vector_shaping__starts_anew_at_a_reset() -> None:
    env = VectorMinimalNasShaping(NasVectorEnv(NasEnv(SPACE, InstantEvaluator()), 2))
    env.reset()
    env.step(np.array([3, 6]))
    env.reset()
    assert env.step(np.array([3, 6]))[1].tolist() == [0, 0]
    assert env.step(np.array([3, 3]))[1].tolist() == [-0.1, 0]


def test_vector_shaping__knows_which_lanes_a_reset_mask_left_alone() -> None:
    env = VectorMinimalNasShaping(NasVectorEnv(NasEnv(SPACE, InstantEvaluator()), 2))
    env.reset()
    env.step(np.array([3, 3]))
    env.reset(options={"reset_mask": np.array([True, False])})
    assert env.step(np.array([3, 3]))[1].tolist() == [0, -0.1]


def test_shaping__refuses_another_search_space() -> None:
    other = NasEnv(OtherSpace(), InstantEvaluator())
    for make in (
        lambda: MinimalNasShaping(other),
        lambda: VectorMinimalNasShaping(NasVectorEnv(other, 2)),
        lambda: MinimalNasShaping(gym.make("CartPole-v1")),
    ):
        with pytest.raises(InvalidArgumentError, match="needs the search space mlp-v0") as error:
            make()
        assert "\n" not in str(error.value)


def recorded(evaluator: Evaluator, lanes: int = 3, rules: GameRules | None = None) -> RecordEvaluations:
    env = RecordEvaluations(NasVectorEnv(NasEnv(SPACE, evaluator, rules=rules or GameRules()), lanes))
    env.reset(seed=0)
    return env


def play(env: RecordEvaluations, steps: int = 80) -> None:
    generator = np.random.default_rng(0)
    for _ in range(steps):
        env.step(generator.integers(10, size=env.num_envs))


def test_record__has_every_episode_that_ended() -> None:
    env = recorded(InstantEvaluator())
    for actions in ([3, EOS, 4], [EOS, 0, 6], [0, EOS, EOS]):
        env.step(np.array(actions))
    networks = ("Linear-8", "Linear-1", "Linear-16 Tanh")
    found = InstantEvaluator().evaluate([SPACE.parse(network) for network in networks])
    assert env.episodes[0] == Episode(1, None, -1.0, "illegal")
    for number, (network, evaluation) in enumerate(zip(networks, found, strict=True), start=2):
        episode, score = env.episodes[number - 1], evaluation.score
        assert score is not None
        costs = evaluation.parameters, evaluation.multiply_adds
        assert episode == Episode(number, network, score, "ok", evaluation.scores, *costs, evaluation.seed)
        assert list(episode.scores) == ["accuracy", "last_epochs_accuracy"], "that of the metric first"
        known = (episode.reward, *episode.scores.values(), episode.parameters, episode.seed)
        assert all(type(value) in (int, float) for value in known), "no arrays of NumPy"


def test_record__tells_why_a_child_failed() -> None:
    env = recorded(InstantEvaluator(failing=2), lanes=8, rules=GameRules(failure_reward=-0.5))
    play(env)
    failed = [episode for episode in env.episodes if episode.status == "failed"]
    assert failed
    for episode in failed:
        assert (episode.reason, episode.reward) == ("it is one of those that fail", -0.5)
        (evaluation,) = InstantEvaluator().evaluate([SPACE.parse(str(episode.architecture))])
        assert (episode.scores, episode.seed) == ({}, evaluation.seed)
    assert all(episode.reason is None for episode in env.episodes if episode.status != "failed")


def test_record__counts_the_episodes_of_the_environment() -> None:
    evaluator = InstantEvaluator()
    env = recorded(evaluator)
    generator, ended = np.random.default_rng(1), 0
    for _ in range(60):
        ended += int(env.step(generator.integers(10, size=3))[2].sum())
    assert len(env.episodes) == ended
    trained = [episode.architecture for episode in env.episodes if episode.status != "illegal"]
    assert trained == [str(a) for call in evaluator.calls for a in call]


def test_record__keeps_large_seeds_exactly() -> None:
    evaluator = InstantEvaluator(failing=3)
    env = recorded(evaluator, lanes=8, rules=GameRules(stochastic=True))
    play(env)
    assert [episode.seed for episode in env.episodes if episode.status != "illegal"] == evaluator.seeds


def lanes_of_gymnasium(mode: AutoresetMode, **keywords: Any) -> RecordEvaluations:  # noqa: ANN401
    lanes: Any = gym.make_vec(
        "NAS-Moons-v0",
        num_envs=2,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": mode},
        evaluator=InstantEvaluator(),
        **keywords,
    )
    return RecordEvaluations(RecordEpisodeStatistics(lanes))


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_record__is_the_same_in_each_autoreset_mode(mode: AutoresetMode) -> None:
    env = lanes_of_gymnasium(mode)
    env.reset(seed=0)
    for actions in ([3, EOS], [EOS, 0], [6, 3], [6, 6]):
        env.step(np.array(actions))
    illegal, network = env.episodes
    assert illegal == Episode(1, None, -1.0, "illegal")
    assert network.architecture == "Linear-8"
    (found,) = InstantEvaluator().evaluate([SPACE.parse("Linear-8")])
    assert (network.status, network.scores, network.seed) == ("ok", found.scores, found.seed)
    assert env.evaluation_seconds > 0


def test_record__is_kept_where_lanes_are_reset_by_hand() -> None:
    env = lanes_of_gymnasium(AutoresetMode.DISABLED)
    env.reset(seed=0)
    env.step(np.array([3, EOS]))
    env.reset(options={"reset_mask": np.array([False, True])})
    env.step(np.array([EOS, 3]))
    assert [(e.architecture, e.status) for e in env.episodes] == [(None, "illegal"), ("Linear-8", "ok")]


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_record__tells_a_truncated_episode_from_an_illegal_one(mode: AutoresetMode) -> None:
    lanes: Any = SyncVectorEnv(
        [lambda: TimeLimit(NasEnv(SPACE, InstantEvaluator()), 2)] * 2, autoreset_mode=mode
    )
    env = RecordEvaluations(lanes)
    env.reset(seed=0)
    env.step(np.array([3, 3]))
    env.step(np.array([4, EOS]))
    assert env.episodes[0] == Episode(1, None, 0.0, "truncated")
    assert [episode.status for episode in env.episodes] == ["truncated", "ok"]


def test_statistics_of_gymnasium__count_right_with_a_reset_mask() -> None:
    lanes: Any = gym.make_vec("NAS-Moons-v0", num_envs=2, evaluator=InstantEvaluator())
    env = RecordEpisodeStatistics(RecordEvaluations(VectorMinimalNasShaping(lanes)))
    env.reset(seed=0)
    env.step(np.array([3, 3]))
    env.reset(options={"reset_mask": np.array([True, False])})
    env.step(np.array([3, 4]))
    infos = env.step(np.array([EOS, EOS]))[4]
    assert infos["episode"]["l"].tolist() == [2, 3]


def test_wrappers__change_nothing_that_the_caller_passes() -> None:
    lanes: Any = gym.make_vec("NAS-Moons-v0", num_envs=2, evaluator=InstantEvaluator())
    env = RecordEvaluations(VectorMinimalNasShaping(lanes))
    mask, actions, seeds = np.array([True, False]), np.array([3, 3]), [1, 2]
    options = {"reset_mask": mask}
    env.reset(seed=0)
    env.reset(seed=seeds, options=options)  # type: ignore[arg-type]
    env.step(actions)
    assert options == {"reset_mask": mask}
    assert (mask.tolist(), actions.tolist(), seeds) == ([True, False], [3, 3], [1, 2])


def test_vector_shaping__does_not_see_what_the_caller_writes_into_observations() -> None:
    lanes: Any = gym.make_vec("NAS-Moons-v0", num_envs=2, evaluator=InstantEvaluator())
    env = VectorMinimalNasShaping(lanes)
    env.reset(seed=0)[0][:] = 7
    env.step(np.array([3, 3]))[0][:] = 0
    assert env.step(np.array([3, 6]))[1].tolist() == [-0.1, 0]


def test_evaluation_seconds__are_those_of_the_environment() -> None:
    env = recorded(InstantEvaluator())
    assert env.evaluation_seconds == 0
    play(env)
    assert env.evaluation_seconds == env.unwrapped.evaluation_seconds > 0  # type: ignore[attr-defined]


def test_other_space__is_a_search_space() -> None:
    assert OtherSpace().decode([0]) == Architecture("other-v0", ("only",))
