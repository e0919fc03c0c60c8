from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError
from nas_gym.search_spaces import ChainSpace
from nas_gym.search_spaces.chain.description import Chain, ChainLayer, describe
from nas_gym.search_spaces.diagram import Block
from nas_gym.testing import check_ranked_space, check_search_space
from tests.nas_gym.search_spaces.convolutional_spaces import CHAINS, spaces_and_sentences

ONE: dict[str, Any] = {"kernels": [3], "filters": [8], "pools": [1], "dropouts": [0]}


@pytest.mark.parametrize(
    ("space", "first", "last"),
    [
        (ChainSpace(), "conv3x3-8-pool1-drop0", "conv7x7-64-pool3-drop0.5"),
        (ChainSpace(dimensions=1), "conv3-8-pool1-drop0", "conv7-64-pool3-drop0.5"),
    ],
)
def test_tokens__are_layers_and_the_end(space: ChainSpace, first: str, last: str) -> None:
    assert len(space.tokens) == 3 * 4 * 3 * 3 + 1
    assert (space.tokens[0], *space.tokens[-2:]) == (first, last, "EOS")
    assert (space.max_length, space.count()) == (2, 108 + 108**2)


@pytest.mark.parametrize(
    "keywords",
    [{**ONE, "max_layers": 1}, {**ONE, "filters": [8, 16], "dropouts": [0, 0.5], "max_layers": 3}],
)
def test_space__keeps_the_contract_with_other_arguments(keywords: dict[str, Any]) -> None:
    check_search_space(ChainSpace(**keywords), samples=30)
    check_ranked_space(ChainSpace(**keywords))


@settings(deadline=None, database=None)
@given(spaces_and_sentences(CHAINS))
def test_sentences__parse_back_and_are_described_by_their_names(drawn: tuple[ChainSpace, list[str]]) -> None:
    space, names = drawn
    network = space.parse(" ".join(names))
    assert space.parse(str(network)) == space.decode(space.encode(network)) == network
    assert list(map(str, describe(network.tokens).layers)) == names


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("conv3x3-8-pool1-drop0 " * 3, "at most 2 tokens, 3 came"),
        ("conv3-8-pool1-drop0", "is no token"),
        ("", "'EOS' cannot stand at position 1"),
    ],
)
def test_parse__refuses_what_names_no_network(text: str, says: str) -> None:
    with pytest.raises(InvalidArchitectureError) as error:
        ChainSpace().parse(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1500, "one line that can be read"


def test_description__says_what_the_tokens_mean() -> None:
    chain = describe(("conv5x5-32-pool2-drop0.25", "conv7-8-pool64-drop0", "EOS"))
    assert chain == Chain((ChainLayer((5, 5), 32, 2, 0.25), ChainLayer((7,), 8, 64, 0.0)))


@pytest.mark.parametrize(
    ("keywords", "fits", "shape", "says"),
    [
        ({}, (1, 7, 7), (1, 6, 7), "a kernel of 7x7 is larger than the images of 6x7 pixels"),
        ({"kernels": [1], "pools": [64]}, (1, 1, 1), (1, 0, 8), "got (1, 0, 8)"),
        (
            {"dimensions": 1, "kernels": [64]},
            (3, 8, 8),
            (3, 7, 9),
            "a kernel of 64 is larger",
        ),
        ({}, (3, 9, 9), (4,), "chain-v0 needs images of the shape (channels, height, width), got (4,)"),
    ],
)
def test_inputs__must_have_room_for_the_kernels(
    keywords: dict[str, Any], fits: tuple[int, ...], shape: tuple[int, ...], says: str
) -> None:
    ChainSpace(**keywords).check_inputs(fits)
    with pytest.raises(InvalidArgumentError) as error:
        ChainSpace(**keywords).check_inputs(shape)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_arguments__of_numpy_are_plain_numbers_afterwards() -> None:
    plain = ChainSpace(kernels=[3, 5], dropouts=[0.25], max_layers=3)
    given: Any = {"kernels": np.array([3, 5]), "dropouts": np.array([0.25]), "max_layers": np.int64(3)}
    assert ChainSpace(**given).arguments == plain.arguments
    check_search_space(ChainSpace(**given), samples=5)
    assert type(ChainSpace(**given).max_length) is int


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"max_layers": 0}, "max_layers must be an integer from 1 to 64, got 0"),
        ({"max_layers": 2.0}, "max_layers must be an integer"),
        ({"max_layers": True}, "max_layers must be an integer"),
        ({"dimensions": 3}, "dimensions must be an integer from 1 to 2, got 3"),
        ({"dimensions": True}, "got True"),
        ({"kernels": []}, "kernels must be distinct and not empty, got []"),
        ({"kernels": [3, 3]}, "kernels must be distinct"),
        ({"kernels": [3, 65]}, "kernels must be integers from 1 to 64, got 65"),
        ({"kernels": 3}, "kernels must be a sequence of numbers, got 3"),
        ({"kernels": "35"}, "kernels must be a sequence of numbers, got '35'"),
        ({"filters": [8.0]}, "filters must be integers from 1 to 4096, got 8.0"),
        ({"pools": [0]}, "pools must be integers from 1 to 64, got 0"),
        ({"dropouts": [1.0]}, "dropouts must be numbers from 0 to below 1 with up to 4 decimals, got 1.0"),
        ({"dropouts": [-0.1]}, "got -0.1"),
        ({"dropouts": [0.00001]}, "up to 4 decimals"),
        ({"dropouts": [float("nan")]}, "got nan"),
        ({"dropouts": ["0.5"]}, "got '0.5'"),
        ({"dropouts": [0, 0.0]}, "dropouts must be distinct"),
        ({"kernels": range(1, 65), "pools": range(1, 65), "filters": range(1, 65)}, "at most 100000"),
    ],
)
def test_arguments__out_of_range_are_refused(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        ChainSpace(**keywords)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_diagram__has_a_box_for_each_layer() -> None:
    names = ("conv5x5-32-pool2-drop0.25", "conv3x3-8-pool1-drop0")
    assert ChainSpace().diagram(names) == (
        Block("conv 5x5\n32 filters\npool 2\ndrop 0.25", None, (-1,), dense=False),
        Block("conv 3x3\n8 filters", None, (0,), dense=False),
    )
