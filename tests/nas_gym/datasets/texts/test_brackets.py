import math
from typing import Any

import numpy as np
import pytest

from nas_gym.datasets.texts.bracket_grammar import BracketGrammar
from nas_gym.datasets.texts.brackets import brackets
from nas_gym.datasets.texts.corpus import Tokens
from nas_gym.errors import InvalidArgumentError

GRAMMARS = [
    BracketGrammar(),
    BracketGrammar(kinds=1, max_depth=3, opening=0.2),
    BracketGrammar(kinds=3, max_depth=12, opening=0.4),
    BracketGrammar(kinds=2, max_depth=4, opening=0.9),
]


def sample(grammar: BracketGrammar, tokens: int, seed: int = 0) -> Tokens:
    return grammar.sample(tokens, np.random.default_rng(seed))


@pytest.mark.parametrize("grammar", GRAMMARS, ids=str)
def test_entropy_rate__is_that_of_the_chain_of_depths(grammar: BracketGrammar) -> None:
    size = grammar.max_depth + 1
    chain = np.zeros((size, size))
    entropy = np.zeros(size)
    for depth in range(size):
        up = 1.0 if depth == 0 else 0.0 if depth == grammar.max_depth else grammar.opening
        if up:
            chain[depth, depth + 1] = up
            entropy[depth] -= up * math.log(up / grammar.kinds)
        if up < 1:
            chain[depth, depth - 1] = 1 - up
            entropy[depth] -= (1 - up) * math.log(1 - up)
    values, vectors = np.linalg.eig(chain.T)
    stationary = np.real(vectors[:, np.argmin(abs(values - 1))])
    np.testing.assert_allclose(grammar.stationary, stationary / stationary.sum(), atol=1e-12)
    assert grammar.entropy_rate == pytest.approx(float(entropy @ stationary / stationary.sum()), rel=1e-12)


def test_entropy_rate__of_one_level_is_known_without_a_chain() -> None:
    # Open one of four, close it: every second token is free, and it has four ways.
    assert BracketGrammar(kinds=4, max_depth=1).entropy_rate == pytest.approx(math.log(4) / 2)


def test_grammar__is_beaten_by_no_other_predictor() -> None:
    corpus = brackets()
    vocabulary, before, after = len(corpus.vocabulary), corpus.train[:-1], corpus.train[1:]
    unigram = np.bincount(corpus.train, minlength=vocabulary) / len(corpus.train)
    pairs = np.bincount(vocabulary * before + after, minlength=vocabulary**2).reshape(vocabulary, vocabulary)
    bigram = (pairs + 1) / (pairs + 1).sum(axis=1, keepdims=True)
    unigram_mean = float(-np.log(unigram[corpus.validation[1:]]).mean())
    bigram_mean = float(-np.log(bigram[corpus.validation[:-1], corpus.validation[1:]]).mean())
    assert corpus.entropy_rate == BracketGrammar().entropy_rate
    assert 1.1 * corpus.entropy_rate < bigram_mean < unigram_mean


def test_sample__uses_every_token_and_every_depth_as_often_as_it_should() -> None:
    grammar = BracketGrammar(kinds=3, max_depth=5, opening=0.6)
    text = sample(grammar, 60_000)
    depth = np.cumsum(np.where(text % 2, -1, 1))
    shares = np.bincount(depth, minlength=6) / len(text)
    np.testing.assert_allclose(shares, grammar.stationary, atol=0.01)
    np.testing.assert_allclose(np.bincount(text, minlength=6) / len(text), 1 / 6, atol=0.01)


def test_sample__of_fewer_tokens_is_the_beginning_of_more() -> None:
    assert sample(GRAMMARS[0], 1000)[:300].tolist() == sample(GRAMMARS[0], 300).tolist()


def test_brackets__follow_from_their_seed() -> None:
    assert brackets(seed=3).checksum == brackets(seed=3).checksum
    assert brackets(seed=3).checksum != brackets(seed=4).checksum
    assert brackets(seed=3).id != brackets(seed=4).id


def test_brackets__have_parts_that_are_texts_of_their_own() -> None:
    corpus, longer = brackets(500, 500, 500), brackets(900, 500, 500)
    assert corpus.test is not None
    parts = [corpus.train, corpus.validation, corpus.test]
    assert len({part.tobytes() for part in parts}) == 3
    for part in parts:
        assert np.cumsum(np.where(part % 2, -1, 1)).min() == 0, "none begins within brackets"
    assert np.array_equal(longer.validation, corpus.validation)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"kinds": 0}, "kinds must be an integer from 1 to 4, got 0"),
        ({"kinds": 5}, "kinds must be an integer from 1 to 4, got 5"),
        ({"max_depth": 0}, "max_depth must be an integer from 1 to 100, got 0"),
        ({"max_depth": 2.0}, "max_depth must be an integer from 1 to 100, got 2.0"),
        ({"opening": 0}, "opening must be a number between 0 and 1, got 0"),
        ({"opening": 1.0}, "opening must be a number between 0 and 1, got 1.0"),
        ({"opening": float("nan")}, "opening must be a number between 0 and 1, got nan"),
        ({"opening": "half"}, "opening must be a number between 0 and 1, got 'half'"),
        ({"test_tokens": 1}, "test_tokens must be an integer from 2 to 10000000, got 1"),
        ({"seed": -1}, "seed must be an integer from 0 to 4294967295, got -1"),
        ({"seed": 0.5}, "seed must be an integer from 0 to 4294967295, got 0.5"),
    ],
)
def test_brackets__refuse_what_is_out_of_range(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        brackets(**keywords)
    assert str(error.value) == says
