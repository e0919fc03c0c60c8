import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError, NasGymError
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.testing import check_search_space

SPACE = MlpSpace()
LAYERS = ("Linear-1", "Linear-2", "Linear-4", "Linear-8", "Linear-16", "Sigmoid", "Tanh", "ReLU", "LeakyReLU")
SMALL: list[dict[str, Any]] = [
    {"max_length": 1},
    {"max_length": 3},
    {"widths": (3,), "activations": (), "max_length": 5},
    {"widths": (), "activations": ("Tanh",), "max_length": 4},
    {"widths": (2, 1024), "activations": ("ReLU", "Sigmoid"), "max_length": 5},
]


def sentences() -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(LAYERS), min_size=1, max_size=6)


def assert_one_line(error: pytest.ExceptionInfo[NasGymError], *parts: str) -> None:
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


def test_tokens__are_those_of_the_minimal_nas_system() -> None:
    assert SPACE.tokens == (*LAYERS, "EOS")
    assert SPACE.max_length == 6


def test_count__is_597870_and_so_many_sentences_can_be_written() -> None:
    prefixes = np.zeros((1, SPACE.max_length), dtype=np.int64)
    found = 0
    for length in range(SPACE.max_length + 1):
        legal = SPACE.legal_next_batch(prefixes, np.full(len(prefixes), length))
        complete = ~legal.any(axis=1)
        found += int(complete.sum())
        rows, tokens = np.nonzero(legal)
        prefixes = prefixes[rows]
        if length < SPACE.max_length:
            prefixes[:, length] = tokens
    assert len(prefixes) == 0
    assert found == SPACE.count() == 597_870


@pytest.mark.parametrize("keywords", SMALL)
def test_enumerate__yields_each_network_once(keywords: dict[str, Any]) -> None:
    space = MlpSpace(**keywords)
    networks = list(space.enumerate())
    assert len(networks) == len(set(networks)) == len({str(network) for network in networks}) == space.count()
    encoded = [space.encode(network) for network in networks]
    assert encoded == sorted(encoded)


@pytest.mark.parametrize("keywords", SMALL)
def test_space__keeps_the_contract_with_other_arguments(keywords: dict[str, Any]) -> None:
    check_search_space(MlpSpace(**keywords), samples=30)


@settings(deadline=None, database=None)
@given(sentences())
def test_parse__inverts_str(names: list[str]) -> None:
    network = SPACE.parse("  ".join(names))
    assert network == Architecture("mlp-v0", tuple(names))
    assert str(network) == " ".join(names)
    assert SPACE.parse(str(network)) == SPACE.decode(SPACE.encode(network)) == network
    assert hash(SPACE.parse(str(network))) == hash(network)


@settings(deadline=None, database=None)
@given(st.lists(st.integers(-2, 12), max_size=8))
def test_decode__takes_exactly_what_legal_next_allows(sentence: list[int]) -> None:
    legal = all(
        0 <= token < 10 and SPACE.legal_next(sentence[:position])[token]
        for position, token in enumerate(sentence)
    )
    if legal and SPACE.is_complete(sentence):
        assert SPACE.encode(SPACE.decode(sentence)) == tuple(sentence)
    else:
        with pytest.raises(InvalidArchitectureError) as error:
            SPACE.decode(sentence)
        assert_one_line(error, "mlp-v0")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'EOS' cannot stand at position 1"),
        ("EOS", "'EOS' cannot stand at position 1"),
        ("Linear-8 EOS", "'EOS' cannot stand at position 3"),
        ("EOS Linear-8", "'EOS' cannot stand at position 1"),
        ("Linear-3", "'Linear-3' is no token of mlp-v0; tokens: Linear-1 Linear-2"),
        ("linear-8", "'linear-8' is no token"),
        ("Linear-8,Tanh", "is no token"),
        ("ReLU " * 7, "at most 6 tokens, 7 came"),
        ("ReLU " * 6 + "EOS", "at most 6 tokens, 7 came"),
        ("conv3x3-36\nReLU", "'conv3x3-36' is no token"),
    ],
)
def test_parse__refuses_what_names_no_network(text: str, says: str) -> None:
    with pytest.raises(InvalidArchitectureError) as error:
        SPACE.parse(text)
    assert_one_line(error, says)


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ([9], "'EOS' cannot stand at position 1"),
        ([0], "unfinished after 1 tokens"),
        ([0, 10], "'token 10' cannot stand at position 2"),
        ([0, -1], "'token -1' cannot stand at position 2"),
        ([0, 9, 9], "nothing, the sentence is complete"),
        ([0] * 7, "'Linear-1' cannot stand at position 7"),
    ],
)
def test_decode__says_what_is_wrong_and_what_is_allowed(sentence: list[int], says: str) -> None:
    with pytest.raises(InvalidArchitectureError) as error:
        SPACE.decode(sentence)
    assert_one_line(error, says)


def test_encode__refuses_another_space() -> None:
    with pytest.raises(InvalidArchitectureError) as error:
        SPACE.encode(Architecture("cnn-v0", ("ReLU",)))
    assert_one_line(error, "'cnn-v0'", "'mlp-v0'")


def test_legal_next__returns_fresh_arrays() -> None:
    for prefix in ((), (0,), (0, 9)):
        before = SPACE.legal_next(prefix)
        SPACE.legal_next(prefix)[:] = ~before
        assert np.array_equal(SPACE.legal_next(prefix), before)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"widths": (0,)}, "0"),
        ({"widths": (8, 2000)}, "2000"),
        ({"widths": (8, 4, 8)}, "distinct"),
        ({"widths": (8.0,)}, "8.0"),
        ({"widths": (True,)}, "True"),
        ({"widths": ("8",)}, "8"),
        ({"activations": ("Tanh", "GELU")}, "GELU"),
        ({"activations": ("Tanh", "Tanh")}, "distinct"),
        ({"widths": (), "activations": ()}, "empty"),
        ({"max_length": 0}, "max_length must be an integer from 1 to 64, got 0"),
        ({"max_length": 65}, "got 65"),
        ({"max_length": 2.5}, "got 2.5"),
        ({"widths": 8}, "widths"),
        ({"activations": "Tanh"}, "activations must be a sequence of names, got 'Tanh'"),
    ],
)
def test_arguments__out_of_range_are_refused(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        MlpSpace(**keywords)
    assert_one_line(error, says)


def test_arguments__of_numpy_are_plain_numbers_afterwards() -> None:
    given: Any = {"widths": np.array([8, 2]), "max_length": np.int64(3)}
    assert json.loads(json.dumps(MlpSpace(**given).arguments)) == MlpSpace((8, 2), max_length=3).arguments


@pytest.mark.parametrize("shape", [(), (1, 8, 8)])
def test_inputs__have_one_axis(shape: tuple[int, ...]) -> None:
    SPACE.check_inputs((7,))
    with pytest.raises(InvalidArgumentError, match="needs one axis of features"):
        SPACE.check_inputs(shape)


@pytest.mark.parametrize(
    ("tokens", "units", "dense"),
    [
        ((), [], []),
        (("Linear-4", "Tanh", "Linear-2"), [4, 4, 2], [True, False, True]),
        (("ReLU", "Linear-16", "EOS"), [None, 16], [False, True]),
    ],
)
def test_diagram__is_a_chain(tokens: Sequence[str], units: list[int | None], dense: list[bool]) -> None:
    blocks = SPACE.diagram(tokens)
    assert [block.units for block in blocks] == units
    assert [block.dense for block in blocks] == dense
    assert [block.inputs for block in blocks] == [(index - 1,) for index in range(len(blocks))]
