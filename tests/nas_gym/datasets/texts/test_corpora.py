import math
import pickle
from typing import Any

import numpy as np
import pytest

from nas_gym.datasets.texts.brackets import brackets
from nas_gym.datasets.texts.corpus import Corpus, Tokens
from nas_gym.errors import InvalidArgumentError, InvalidDataError
from nas_gym.testing import check_corpus
from tests.nas_gym.doubles import CORPORA, REQUIRED

pytestmark = pytest.mark.usefixtures("small_ptb")


def make(corpus_id: str, **keywords: Any) -> Corpus:  # noqa: ANN401
    return CORPORA[corpus_id](**REQUIRED.get(corpus_id, {}), **keywords)


def stream(*tokens: int) -> Tokens:
    return np.array(tokens, dtype=np.int32)


def corpus(**changes: Any) -> Corpus:  # noqa: ANN401
    parts = {"train": stream(0, 1, 2), "validation": stream(0, 1), "test": stream(2, 1)}
    words = {"id": "mine-v0", "unit": "word", "source": "made up", "licence": "none"}
    return Corpus(**{"vocabulary": ("a", "b", "c"), **parts, **words, **changes})


@pytest.mark.parametrize("corpus_id", CORPORA)
def test_corpus__keeps_the_contract(corpus_id: str) -> None:
    check_corpus(make(corpus_id))


@pytest.mark.parametrize("corpus_id", CORPORA)
def test_corpus__is_the_same_every_time(corpus_id: str) -> None:
    assert make(corpus_id).checksum == make(corpus_id).checksum
    assert make(corpus_id).id == make(corpus_id).id


@pytest.mark.parametrize("corpus_id", CORPORA)
def test_without_test__leaves_no_trace_of_the_test_part(corpus_id: str) -> None:
    whole = make(corpus_id)
    locked = pickle.dumps(whole.without_test())
    assert whole.test is not None
    assert whole.train.tobytes() in locked
    assert whole.validation.tobytes() in locked
    pieces = [whole.test[start : start + 40].tobytes() for start in range(0, len(whole.test) - 40, 40)]
    assert len(pieces) > 3
    assert not any(piece in locked for piece in pieces), "streams are disjoint, too"


@pytest.mark.parametrize("corpus_id", CORPORA)
def test_corpus__keeps_the_beginning_of_a_part_for_low_fidelity(corpus_id: str) -> None:
    whole, few = make(corpus_id), make(corpus_id, train_tokens=150, validation_tokens=20)
    check_corpus(few)
    assert few.train.tolist() == whole.train[:150].tolist()
    assert few.validation.tolist() == whole.validation[:20].tolist()
    assert few.vocabulary == whole.vocabulary
    assert few.id != whole.id
    assert whole.test is not None and few.test is not None
    assert np.array_equal(few.test, whole.test)


@pytest.mark.parametrize("corpus_id", CORPORA)
@pytest.mark.parametrize("name", ["train_tokens", "validation_tokens"])
@pytest.mark.parametrize("size", [0, 1, -5, 2.5, "9", True, 10**9])
def test_corpus__refuses_sizes_out_of_range(corpus_id: str, name: str, size: object) -> None:
    with pytest.raises(
        InvalidArgumentError, match=rf"^{name} must be .*integer from 2 to \d+, got {size!r}$"
    ):
        make(corpus_id, **{name: size})


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"train": stream(0)}, "the training part of mine-v0 has 1 tokens, at least 2 are needed"),
        ({"validation": stream()}, "the validation part of mine-v0 has 0 tokens"),
        ({"test": stream(0, 3)}, "tokens in the test part of mine-v0 must be from 0 to 2, got 0 to 3"),
        ({"train": stream(0, -1)}, "must be from 0 to 2, got -1 to 0"),
        ({"train": np.zeros(5, dtype=np.int64)}, "must be int32 of shape (tokens,), got int64 of shape (5,)"),
        ({"train": np.zeros((5, 2), dtype=np.int32)}, "got int32 of shape (5, 2)"),
        ({"vocabulary": ("a",)}, "the vocabulary of mine-v0 has 1 tokens, at least 2 are needed"),
        ({"vocabulary": ("a", "b", "a")}, "holds a token twice"),
    ],
)
def test_corpus__refuses_what_nothing_can_be_learned_from(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidDataError) as error:
        corpus(**changes)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_checksum__covers_every_token_where_it_stands_and_what_it_reads() -> None:
    others = [
        corpus(train=stream(0, 2, 1)),
        corpus(validation=stream(1, 1)),
        corpus(test=stream(2, 2)),
        corpus(train=stream(0, 1, 2, 0, 1), validation=stream(2, 1), test=None),
        corpus(vocabulary=("a", "b", "d")),
        corpus(vocabulary=("a", "b", "c", "d")),
        corpus().without_test(),
    ]
    assert corpus().checksum == corpus(id="other").checksum
    assert len({corpus().checksum, *(other.checksum for other in others)}) == 8


def test_checksum__of_known_values_is_known() -> None:
    assert corpus().checksum == "b8b6bb6d02bfa5f39ec1575902cbf41dc450a10ab7faa53c7bcd96e80cd7a182", (
        "stores look children up by it"
    )
    assert brackets().checksum == "edb89c81c33d650dcc7cf2feb0c329c42255b57eef3bece44c3bd34da2c8f922"


def test_best_perplexity__is_that_of_the_entropy_rate() -> None:
    assert corpus().best_perplexity is None
    assert corpus(entropy_rate=math.log(2.5)).best_perplexity == pytest.approx(2.5)
