"""The contract checks must see a broken contract: each test breaks one promise."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nas_gym.datasets.base import Dataset, Split
from nas_gym.datasets.tables.moons import moons
from nas_gym.datasets.texts.brackets import brackets
from nas_gym.evaluators.base import Answer
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.testing import check_corpus, check_dataset, check_evaluator, check_search_space, random_sentence
from tests.nas_gym.doubles import InstantEvaluator, random_networks


def spoiled_space(**methods: Any) -> MlpSpace:  # noqa: ANN401
    return type("Spoiled", (MlpSpace,), methods)(widths=(1, 2), activations=("Tanh",), max_length=3)  # type: ignore[no-any-return]


def with_token_names(*names: str) -> MlpSpace:
    space = spoiled_space()
    space.tokens = names
    return space


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: with_token_names("a", "a", "b", "EOS"), "distinct"),
        (lambda: with_token_names("a", "b c", "d", "EOS"), "blanks"),
        (lambda: spoiled_space(legal_next=lambda self, prefix: np.zeros(4, bool)), "must not be complete"),
        (lambda: spoiled_space(count=lambda self: 0), "must hold a network"),
        (
            lambda: spoiled_space(
                legal_next=lambda self, prefix: MlpSpace.legal_next(self, prefix).astype(np.int8)
            ),
            "must return bool",
        ),
        (
            lambda: spoiled_space(
                legal_next=lambda self, prefix: np.append(MlpSpace.legal_next(self, prefix), False)
            ),
            "one entry a token",
        ),
        (lambda: spoiled_space(layer_tokens=np.ones(3, bool)), "one bool a token"),
        (
            lambda: spoiled_space(
                legal_next=lambda self, prefix: MlpSpace.legal_next(self, prefix) & (np.arange(4) != 3)
            ),
            "must be able to end",
        ),
        (lambda: spoiled_space(is_complete=lambda self, prefix: True), "completeness"),
        (
            lambda: spoiled_space(
                legal_next_batch=lambda self, sentences, lengths: np.ones((len(lengths), 4), bool)
            ),
            "legal_next_batch must agree",
        ),
        (lambda: spoiled_space(decode=lambda self, sentence: self.architecture(sentence)), "refuse"),
        (
            lambda: spoiled_space(encode=lambda self, architecture: (*range(4),)),
            "encode must invert",
        ),
        (lambda: spoiled_space(parse=lambda self, text: Architecture("mlp-v0", ())), "parse must invert"),
        (
            lambda: spoiled_space(
                architecture=lambda self, sentence: Architecture("other-v0", ()),
            ),
            "must name its search space",
        ),
        (lambda: spoiled_space(diagram=lambda self, tokens: ()), "must have a block"),
        (
            lambda: spoiled_space(
                build=lambda self, each, inputs, outputs: MlpSpace.build(self, each, inputs, outputs + 1),
                size=lambda self, each, inputs, outputs: None,
            ),
            "must say 3 numbers of each sample",
        ),
    ],
)
def test_check_search_space__sees_a_broken_promise(make: Callable[[], MlpSpace], says: str) -> None:
    check_search_space(spoiled_space(), samples=20)
    with pytest.raises(AssertionError, match=says):
        check_search_space(make(), samples=20, inputs=(2,))


def spoiled_dataset(**changes: Any) -> Dataset:  # noqa: ANN401
    return replace(moons(size=50), **changes)


def split(features: NDArray[Any], labels: NDArray[Any]) -> Split:
    return Split(features, labels)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"test": None}, "made with its test part"),
        ({"validation": split(np.zeros((4, 2)), np.zeros(4, np.int64))}, "features must be float32"),
        (
            {"validation": split(np.zeros((4, 2), np.float32), np.zeros(4, np.int32))},
            "labels must be int64",
        ),
        ({"test": split(np.zeros((4, 3), np.float32), np.zeros(4, np.int64))}, "one shape"),
        ({"test": split(np.zeros((4, 2), np.float32), np.full(4, 2))}, "labels must be below 2"),
        ({"test": split(np.zeros((4, 2), np.float32), np.full(4, -1))}, "count from 0"),
        (
            {
                part: split(np.zeros((4, 2), np.uint8), np.arange(4) % 2)
                for part in ("train", "validation", "test")
            },
            "images must have the shape",
        ),
        ({"train": split(np.zeros((4, 2, 1, 1), np.uint8), np.arange(4) % 2)}, "one type|one shape"),
        ({"source": ""}, "where it comes from"),
        ({"licence": ""}, "terms of use"),
    ],
)
def test_check_dataset__sees_a_broken_promise(changes: dict[str, Any], says: str) -> None:
    check_dataset(spoiled_dataset())
    with pytest.raises(AssertionError, match=says):
        check_dataset(spoiled_dataset(**changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"test": None}, "made with its test part"),
        ({"train": np.zeros(4, np.int32)[:2]}, "memory of another"),
        ({"source": ""}, "where it comes from"),
        ({"licence": ""}, "terms of use"),
        ({"licence": "two\nlines"}, "one line"),
        ({"unit": ""}, "what its tokens are"),
        ({"entropy_rate": 2.1}, "by equal chances"),
    ],
)
def test_check_corpus__sees_a_broken_promise(changes: dict[str, Any], says: str) -> None:
    corpus = brackets(20, 20, 20)
    check_corpus(corpus)
    with pytest.raises(AssertionError, match=says):
        check_corpus(replace(corpus, **changes))


class SpoiledEvaluator(InstantEvaluator):
    """Changes what an honest evaluator returned."""

    def __init__(self, spoil: Callable[[list[Evaluation], bool], list[Evaluation]]) -> None:
        super().__init__()
        self.spoil = spoil

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        return self.spoil(super().evaluate(architectures, seeds), seeds is not None)


def changed(**changes: Any) -> Callable[[list[Evaluation], bool], list[Evaluation]]:  # noqa: ANN401
    return lambda evaluations, seeded: [replace(evaluation, **changes) for evaluation in evaluations]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda evaluations, seeded: evaluations or [None], "no architectures, no evaluations"),
        (lambda evaluations, seeded: evaluations[::-1], "in order"),
        (changed(status="failed", scores={}, reason="bad luck"), "bad luck"),
        (changed(scores={}), "has a score"),
        (changed(scores={"accuracy": np.nan}), "scores must be finite"),
        (changed(reason="no reason"), "only a failure"),
        (changed(seed=0), "seed of its own"),
        (
            lambda evaluations, seeded: [
                replace(e, parameters=len(evaluations) + index) for index, e in enumerate(evaluations)
            ],
            "neighbours and order",
        ),
        (
            lambda evaluations, seeded: [replace(e, seed=e.seed + seeded) for e in evaluations],
            "given seeds must be used",
        ),
    ],
)
def test_check_evaluator__sees_a_broken_promise(
    spoil: Callable[[list[Evaluation], bool], list[Evaluation]], says: str
) -> None:
    networks = random_networks(4)
    check_evaluator(InstantEvaluator(), networks)
    with pytest.raises(AssertionError, match=says):
        check_evaluator(SpoiledEvaluator(spoil), networks)


class ForgetfulEvaluator(InstantEvaluator):
    """Does with what it gives out whatever it is told."""

    def __init__(self, spoil: Callable[[list[Answer]], list[Answer]]) -> None:
        super().__init__()
        self.spoil = spoil

    def recv(self, at_least: int = 1, timeout: float | None = None) -> list[Answer]:
        return self.spoil(super().recv(at_least, timeout))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda answers: answers[1:], "received, once"),
        (lambda answers: [*answers, *answers], "received, once"),
        (lambda answers: [(ticket, answers[0][1]) for ticket, _ in answers], "as by evaluate"),
    ],
)
def test_check_evaluator__sees_what_is_lost_on_the_way(
    spoil: Callable[[list[Answer]], list[Answer]], says: str
) -> None:
    with pytest.raises(AssertionError, match=says):
        check_evaluator(ForgetfulEvaluator(spoil), random_networks(4))


def test_random_sentence__reaches_every_network_of_a_small_space() -> None:
    space, generator = spoiled_space(), np.random.default_rng(0)
    drawn = {space.decode(random_sentence(space, generator)) for _ in range(1000)}
    assert drawn == set(space.enumerate())
