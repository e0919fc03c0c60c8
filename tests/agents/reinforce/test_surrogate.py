from itertools import permutations
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.spaces import Discrete, MultiDiscrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.gaussian_process import GaussianProcessRegressor
from threadpoolctl import threadpool_limits

from agents.errors import InvalidArgumentError
from agents.reinforce import Reinforce
from agents.reinforce.drawn import DrawnSentences
from agents.reinforce.expected_masks import ExpectedMasks
from agents.reinforce.proposals import edited, edits, impatience, trust
from agents.reinforce.sentence_kernel import NOTHING, SentenceKernel, encoded
from agents.reinforce.surrogate import MOST_FITTED, Surrogate, left_out, normal_scores
from agents.replay import Sentence
from nas_gym.envs.wrappers import RecordEvaluations
from tests.agents.doubles import make_vec, wanted

FORM: dict[str, Any] = {"distinct": True, "baseline": "ranks", "epochs": 3, "entropy_weight": 0.03}
WITH: dict[str, Any] = {**FORM, "surrogate": "gaussian_process"}


def played(env: RecordEvaluations) -> list[str]:
    return [str(episode.architecture) for episode in env.episodes]


def random_sentences(count: int, seed: int) -> list[tuple[int, ...]]:
    """Sentences of four to six out of five tokens."""
    generator = np.random.default_rng(seed)
    return [tuple(generator.integers(5, size=generator.integers(4, 7)).tolist()) for _ in range(count)]


class Ordering(gym.Env[NDArray[np.int64], np.int64]):
    """Each token once, in any order: what is legal depends on all tokens so far. Best is the rising order."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.action_space = Discrete(tokens)
        self.observation_space = MultiDiscrete([tokens + 1] * tokens)
        self.sentence: list[int] = []
        self.finished: list[tuple[int, ...]] = []

    def _seen(self) -> tuple[NDArray[np.int64], dict[str, Any]]:
        observation = np.zeros(self.tokens, dtype=np.int64)
        observation[: len(self.sentence)] = np.array(self.sentence, dtype=np.int64) + 1
        mask = np.ones(self.tokens, dtype=np.int8)
        mask[self.sentence] = 0
        return observation, {"action_mask": mask}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int64], dict[str, Any]]:
        super().reset(seed=seed)
        self.sentence = []
        return self._seen()

    def step(self, action: np.int64) -> tuple[NDArray[np.int64], float, bool, bool, dict[str, Any]]:
        assert action not in self.sentence, "an illegal token came"
        self.sentence.append(int(action))
        ended = len(self.sentence) == self.tokens
        reward = float(np.mean(np.array(self.sentence) == np.arange(self.tokens))) if ended else 0.0
        if ended:
            self.finished.append(tuple(self.sentence))
        observation, info = self._seen()
        return observation, reward, ended, False, info


# --- The model ---


def test_encoded__from_the_front_and_from_the_end() -> None:
    rows = encoded([(1, 2), (3, 4, 5), (6, 7, 8, 9)], 3)
    assert rows.tolist() == [
        [1, 2, NOTHING, NOTHING, 1, 2],
        [3, 4, 5, 3, 4, 5],
        [6, 7, 8, 7, 8, 9],
    ]


def test_sentence_kernel__counts_the_places_that_differ() -> None:
    rows = encoded([(1, 2, 3), (1, 2, 4), (9, 1, 2, 3), (1, 2, 3)], 4)
    kernel = SentenceKernel(length_scale=2.0, variance=0.5)
    values = kernel(rows)
    # One token replaced is a distance of 1; one put in front differs at four places from the front, and at
    # one from the end.
    assert values[0] == pytest.approx(0.5 * np.exp(-np.array([0.0, 1.0, 2.5, 0.0]) / 2.0))
    assert kernel(rows[:1], rows) == pytest.approx(values[:1])
    assert kernel.diag(rows) == pytest.approx(np.diag(values))


def test_normal_scores__depend_on_ranks_alone() -> None:
    scores = normal_scores([0.98, -50.0, 0.981])
    assert scores == pytest.approx(normal_scores([2.0, 1.0, 3.0])) and scores[0] == pytest.approx(0.0)
    assert scores[1] == pytest.approx(-scores[2]) and scores[2] > 0.5


def test_left_out__is_what_a_fit_without_the_sentence_predicts() -> None:
    rows, scores = encoded(random_sentences(12, 0), 6), np.random.default_rng(1).normal(size=12)

    def fit(kept: NDArray[np.bool_]) -> Any:  # noqa: ANN401, scikit-learn is untyped
        kernel = SentenceKernel(3.0, 0.8)
        return GaussianProcessRegressor(kernel, alpha=0.2, optimizer=None).fit(rows[kept], scores[kept])

    everyone = np.arange(12)
    without = [float(fit(everyone != i).predict(rows[[i]])[0]) for i in everyone]
    assert left_out(fit(everyone >= 0), scores) == pytest.approx(without)


def test_surrogate__predicts_what_can_be_predicted() -> None:
    weights = np.random.default_rng(2).normal(size=(6, 5))

    def value(sentence: tuple[int, ...]) -> float:
        return float(np.exp(sum(weights[step, token] for step, token in enumerate(sentence))))

    known, unseen = random_sentences(120, 3), random_sentences(200, 4)
    surrogate = Surrogate(known, [value(sentence) for sentence in known])
    mean, deviation = surrogate.predict(unseen)
    found = spearmanr(mean, [value(sentence) for sentence in unseen]).statistic
    assert found >= 0.75 and surrogate.correlation >= 0.75
    assert trust(surrogate.correlation, 120) == 1.0
    _, at_known = surrogate.predict(known[:20])
    assert at_known.max() < deviation.mean()


def test_surrogate__is_not_trusted_where_nothing_can_be_predicted() -> None:
    trusts = []
    for seed in range(10):
        values = np.random.default_rng(seed).random(60)
        surrogate = Surrogate(random_sentences(60, seed + 100), values.tolist())
        trusts.append(trust(surrogate.correlation, 60))
    assert np.mean(trusts) < 0.2 and np.median(trusts) == 0.0


def test_surrogate__is_the_same_with_any_number_of_threads() -> None:
    sentences, values = random_sentences(300, 6), np.random.default_rng(6).random(300).tolist()
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            surrogate = Surrogate(sentences, values)
            found.append((surrogate.correlation, *map(bytes, surrogate.predict(random_sentences(50, 7)))))
    assert found[0] == found[1]


@pytest.mark.parametrize("values", [[0.5] * 30, [0.5], [0.5, 0.7]])
def test_surrogate__of_equals_or_too_few_claims_nothing(values: list[float]) -> None:
    sentences = random_sentences(len(values), 5)
    surrogate = Surrogate(sentences, values)
    assert surrogate.correlation == 0.0
    assert np.isfinite(surrogate.predict(sentences)).all()


def test_surrogate__of_many_is_fitted_on_the_best_and_the_latest() -> None:
    count = MOST_FITTED + 200
    sentences = [(i // 25, i % 25) for i in range(count)]
    values = np.zeros(count)
    values[:100] = 1.0 + np.arange(100)
    _, deviation = Surrogate(sentences, values.tolist()).predict(sentences)
    forgotten = deviation[220:380]
    assert max(deviation[:100].max(), deviation[-100:].max()) < forgotten.min()


# --- What is imagined ---


def test_expected_masks__answer_with_the_most_similar_prefix() -> None:
    a, b, c = np.eye(3, dtype=np.bool_)
    expected = ExpectedMasks(3)
    expected.add([Sentence((0, 1, 2), np.array([a | c, b, b | c]), 0.5)])
    expected.add([Sentence((2, 1), np.array([a | c, a | b]), 0.5)])
    assert expected.after(()).tolist() == (a | c).tolist()
    assert expected.after((0, 1)).tolist() == (b | c).tolist()  # as seen
    assert expected.after((2,)).tolist() == (a | b).tolist()
    assert not expected.after((0, 1, 2)).any() and not expected.after((2, 1)).any()  # two ends
    assert expected.after((1, 1)).tolist() == (b | c).tolist()  # unseen: the last token where it stands
    assert not expected.after((1,) * 9).any() or expected.after((1,) * 9).tolist() == (b | c).tolist()
    assert not ExpectedMasks(3).after((1,)).any()


def test_impatience__grows_until_a_better_sentence_comes() -> None:
    values = np.array([0.5, 0.9, *[0.1] * 50])
    assert impatience(values[:2], 5) == 1.0
    assert impatience(values, 5) == pytest.approx(2.0)
    assert impatience(np.append(values, 0.91), 5) == 1.0


def test_exit_of__is_where_a_sentence_leaves_what_was_drawn() -> None:
    drawn = DrawnSentences()
    assert drawn.exit_of((1, 2)) == ()
    masks = np.array([[True, True, False], [False, True, True]])
    drawn.add([Sentence((0, 1), masks, 0.0)])
    assert drawn.exit_of((1, 2)) == (1,) and drawn.exit_of((0, 2)) == (0, 2)
    for drawn_or_illegal in [(0, 1), (0, 1, 2), (2,), (0, 0), (0,)]:
        assert drawn.exit_of(drawn_or_illegal) is None


def test_edits__replace_put_in_and_leave_out() -> None:
    def neighbours(sentence: Sentence) -> list[tuple[int, ...]]:
        return [edited(sentence.actions, *edit) for edit in edits(sentence).tolist()]

    masks = np.array([[True, True, False], [False, True, True]])
    replaced = [(1, 2, 2), (0, 1, 2)]  # the last action stands once more behind the end
    put_in = [(0, 0, 2, 2), (1, 0, 2, 2), (0, 1, 2, 2), (0, 2, 2, 2)]
    assert neighbours(Sentence((0, 2), masks, 0.0)) == replaced + put_in  # 2 may not come first
    masks[0, 2] = True
    assert (2, 2) in neighbours(Sentence((0, 2), masks, 0.0))  # now it may: 0 can be left out
    assert neighbours(Sentence((1,), np.array([[False, True, False]]), 0.0)) == [(1, 1, 1)]


# --- The agent ---


def test_reinforce__a_surrogate_needs_distinct_draws() -> None:
    with pytest.raises(InvalidArgumentError, match="needs distinct=True") as error:
        Reinforce(make_vec(2), surrogate="gaussian_process")
    assert "\n" not in str(error.value)


def test_reinforce__without_a_share_for_the_surrogate_is_reinforce_without_one() -> None:
    plain, same, other = make_vec(10), make_vec(10), make_vec(10)
    Reinforce(plain, seed=3, **FORM).learn(80)
    Reinforce(same, seed=3, policy_share=1.0, **WITH).learn(80)
    assert played(plain) == played(same)
    Reinforce(other, seed=3, **WITH, policy_share=0.0).learn(80)
    assert played(plain)[:20] == played(other)[:20]  # too few to learn a surrogate from


def test_reinforce__with_a_surrogate_follows_it_where_it_predicts() -> None:
    env = make_vec(10, evaluator=wanted())
    agent = Reinforce(env, **WITH).learn(60)
    assert agent._proposals is not None
    proposed = agent._proposals.propose(10)
    assert len(proposed) == len(set(proposed)) == 8  # all but the policy's share
    known = agent._drawn.sentences
    assert not {sentence.actions for sentence in known} & set(proposed)
    surrogate = Surrogate([sentence.actions for sentence in known], [sentence.value for sentence in known])
    assert (
        surrogate.predict(proposed)[0].mean() > 0.5
    )  # standard deviations above the median of what it knows
    agent.learn(10)
    assert len(set(played(env))) == 70


def test_reinforce__proposals_that_begin_alike_are_played_one_after_the_other() -> None:
    agent = Reinforce(make_vec(4), **WITH)
    agent._drawn.add([Sentence((0, 1), np.ones((2, 10), dtype=np.bool_), 0.0)])
    proposed = [(2, 3), (2, 4), (0, 1), (0, 5)]  # two leave what is known at 2, one is known
    beginnings, waiting = agent._beginnings(proposed, 4)
    assert beginnings[:2] == [(2, 3), (0, 5)] and waiting == [(2, 4)]
    assert 2 <= len(beginnings) <= 3  # one lane is the policy's, unless it begins alike too


def test_reinforce__with_a_surrogate_does_not_follow_it_into_noise() -> None:
    followed = []
    for seed in range(3):
        agent = Reinforce(make_vec(10), seed=seed, **WITH)
        assert agent._proposals is not None
        agent.learn(60)
        followed.append(len(agent._proposals.propose(10)))
    assert np.mean(followed) < 3


@pytest.mark.parametrize("lanes", [1, 8])
def test_reinforce__with_a_surrogate_plays_every_sentence_once_and_stops(lanes: int) -> None:
    env = SyncVectorEnv([lambda: Ordering(4)] * lanes, autoreset_mode=AutoresetMode.SAME_STEP)
    agent = Reinforce(env, **WITH).learn(1_000)
    finished = [sentence for lane in env.envs for sentence in lane.finished]  # type: ignore[attr-defined]
    assert sorted(finished) == sorted(permutations(range(4))) and agent.num_architectures == 24


def test_reinforce__with_a_surrogate_repairs_what_masks_forbid() -> None:
    env = SyncVectorEnv([lambda: Ordering(6)] * 10, autoreset_mode=AutoresetMode.SAME_STEP)
    agent = Reinforce(env, policy_share=0.0, **WITH).learn(100)
    finished = [sentence for lane in env.envs for sentence in lane.finished]  # type: ignore[attr-defined]
    assert len(finished) == len(set(finished)) == agent.num_architectures == 100


def test_reinforce__with_a_surrogate_goes_on_from_a_checkpoint_as_if_it_never_stopped(tmp_path: Path) -> None:
    path, whole = tmp_path / "checkpoint.pt", make_vec(10, evaluator=wanted())
    uninterrupted = Reinforce(whole, seed=7, **WITH).learn(80)
    first, second = make_vec(10, evaluator=wanted()), make_vec(10, evaluator=wanted())
    Reinforce(first, seed=7, **WITH).learn(50).save(path)
    resumed = Reinforce.load(path, second).learn(30)
    assert played(first) + played(second) == played(whole)
    for expected, found in zip(uninterrupted.policy.parameters(), resumed.policy.parameters(), strict=True):
        assert torch.equal(expected, found)
