from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError
from nas_gym.search_spaces import GraphSpace
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.graph.description import Convolution, MaxPool, describe
from nas_gym.testing import check_search_space, random_sentence
from tests.nas_gym.search_spaces.convolutional_spaces import FIGURE_7, GRAPHS, spaces_and_sentences

TINY: dict[str, Any] = {"kernel_heights": [3], "kernel_widths": [3], "filters": [8]}
SMALL: list[dict[str, Any]] = [
    {**TINY, "max_layers": 1},
    {**TINY, "max_layers": 4},
    {**TINY, "strides": [1, 2], "pools": [2], "max_layers": 2},
    {**TINY, "pools": [2, 3], "max_layers": 3},
]


def may_be_written(space: GraphSpace, names: list[str]) -> bool:
    """Say whether token names are a whole sentence, by the words of the docstring."""
    depth, last_link, ended = 0, 0, False
    for position, name in enumerate(names):
        if ended:
            return False
        if name.startswith("from-"):
            number = int(name.removeprefix("from-"))
            if not last_link < number < depth:
                return False
            last_link = number
        elif name == "EOS":
            if depth == 0:
                return False
            ended = True
        else:
            depth, last_link = depth + 1, 0
            if depth > space.max_layers:
                return False
        ended = ended or position + 1 == space.max_length
    return ended


@pytest.mark.parametrize(
    ("space", "layers", "first", "last"),
    [
        (GraphSpace(), 64, "conv1x1-24", "conv7x7-64"),
        (GraphSpace(strides=(2, 1)), 256, "conv1x1-24-stride2x2", "conv7x7-64"),
        (GraphSpace(pools=(2, 3)), 66, "conv1x1-24", "pool3"),
    ],
)
def test_tokens__are_layers_then_links_then_the_end(
    space: GraphSpace, layers: int, first: str, last: str
) -> None:
    names = [name for name, adds in zip(space.tokens, space.layer_tokens, strict=True) if adds]
    assert (len(names), names[0], names[-1]) == (layers, first, last)
    assert space.tokens == (*names, *(f"from-{number}" for number in range(1, 15)), "EOS")
    assert space.max_length == 120


@pytest.mark.parametrize("keywords", SMALL)
def test_count__is_the_number_of_sentences(keywords: dict[str, Any]) -> None:
    space = GraphSpace(**keywords)
    check_search_space(space, samples=30)
    networks = list(space.enumerate())
    assert len(set(networks)) == len(networks) == space.count()


def test_count__of_the_default_is_exact() -> None:
    by_hand = sum(64**depth * 2 ** sum(range(depth)) for depth in range(1, 16))
    assert GraphSpace().count() == by_hand
    assert type(GraphSpace().count()) is int


@settings(deadline=None, database=None, max_examples=200)
@given(spaces_and_sentences(GRAPHS))
def test_sentences__parse_back_and_are_described_by_their_names(drawn: tuple[GraphSpace, list[str]]) -> None:
    space, names = drawn
    network = space.parse(" ".join(names))
    assert space.parse(str(network)) == space.decode(space.encode(network)) == network
    layers = [str(node.layer) for node in describe(network.tokens).nodes]
    assert layers == [name for name in names if not name.startswith("from-")]


@settings(deadline=None, database=None, max_examples=200)
@given(spaces_and_sentences(GRAPHS), st.data())
def test_decode__takes_exactly_what_the_docstring_allows(
    drawn: tuple[GraphSpace, list[str]], data: st.DataObject
) -> None:
    space, names = drawn
    mutated = [*names, *data.draw(st.sampled_from([[], ["EOS"], ["EOS", "EOS"]]))]
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, len(mutated)))
        mutated[place : place + data.draw(st.integers(0, 1))] = [data.draw(st.sampled_from(space.tokens))]
    sentence = [space.tokens.index(name) for name in mutated]
    if may_be_written(space, mutated):
        assert space.encode(space.decode(sentence)) == tuple(sentence)
    else:
        with pytest.raises(InvalidArchitectureError) as error:
            space.decode(sentence)
        assert "\n" not in str(error.value)


@settings(deadline=None, database=None, max_examples=50)
@given(GRAPHS, st.integers(0, 2**32 - 1))
def test_legal_next_batch__agrees_with_legal_next_in_mixed_rows(space: GraphSpace, seed: int) -> None:
    generator, rows = np.random.default_rng(seed), []
    for _ in range(20):
        sentence = random_sentence(space, generator)
        rows.append(sentence[: generator.integers(len(sentence) + 1)])
    # What stands behind a prefix must not matter: the vector environment has -1 there.
    padded = generator.integers(-1, len(space.tokens), size=(len(rows), space.max_length))
    for row, prefix in zip(padded, rows, strict=True):
        row[: len(prefix)] = prefix
    masks = space.legal_next_batch(padded, np.array([len(prefix) for prefix in rows]))
    assert np.array_equal(masks, np.stack([space.legal_next(prefix) for prefix in rows]))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("from-1 conv3x3-36", "'from-1' cannot stand at position 1"),
        ("conv3x3-36 from-1", "'from-1' cannot stand at position 2"),
        ("conv3x3-36 conv3x3-36 from-2", "'from-2' cannot stand at position 3"),
        ("conv3x3-36 conv3x3-36 from-1 from-1", "'from-1' cannot stand at position 4"),
        ("conv3x3-36 " * 3 + "from-2 from-1", "'from-1' cannot stand at position 5"),
        ("conv3x3-36 " * 16, "'conv3x3-36' cannot stand at position 16"),
        ("conv3x3-32", "'conv3x3-32' is no token"),
        ("conv3x3-36-stride1x1", "is no token"),
        ("conv3x3-8-pool1-drop0", "is no token"),
    ],
)
def test_parse__refuses_what_names_no_network(text: str, says: str) -> None:
    with pytest.raises(InvalidArchitectureError) as error:
        GraphSpace().parse(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1500, "one line that can be read"


def test_description__says_what_the_tokens_mean() -> None:
    graph = describe(("conv3x7-48", "pool2", "from-1", "conv1x3-24-stride2x1", "conv3x3-36", "from-1", "EOS"))
    assert [node.layer for node in graph.nodes] == [
        Convolution((3, 7), 48),
        MaxPool(2),
        Convolution((1, 3), 24, (2, 1)),
        Convolution((3, 3), 36),
    ]
    assert [node.inputs for node in graph.nodes] == [(0,), (1,), (0,), (1,)]
    assert graph.unread == (2, 3, 4)


def test_figure_7__has_the_published_number_of_parameters() -> None:
    space = GraphSpace()
    network = space.parse(FIGURE_7)
    assert len(network.tokens) == 15 + 65
    assert space.size(network, (3, 32, 32), 10).parameters == 4_201_630
    assert describe(network.tokens).unread == (15,)


@pytest.mark.parametrize(
    ("keywords", "shape", "says"),
    [
        ({"kernel_heights": [3], "pools": [8]}, (3, 3, 5), "a kernel of 3x7 is larger"),
        ({"kernel_widths": [3], "pools": [8]}, (3, 5, 3), "a kernel of 7x3 is larger"),
        ({}, (4,), "graph-v0 needs images of the shape (channels, height, width), got (4,)"),
    ],
)
def test_inputs__must_have_room_for_the_kernels(
    keywords: dict[str, Any], shape: tuple[int, ...], says: str
) -> None:
    GraphSpace(**keywords).check_inputs((3, 7, 7))
    with pytest.raises(InvalidArgumentError) as error:
        GraphSpace(**keywords).check_inputs(shape)
    assert says in str(error.value)


def test_arguments__of_numpy_are_plain_numbers_afterwards() -> None:
    space = GraphSpace(kernel_heights=np.array([3]), strides=np.arange(1, 3), max_layers=np.int64(2))  # type: ignore[arg-type]
    assert space.tokens == GraphSpace(kernel_heights=[3], strides=[1, 2], max_layers=2).tokens
    assert type(space.max_length) is int and type(space.count()) is int


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"max_layers": 65}, "max_layers must be an integer from 1 to 64, got 65"),
        ({"pools": [1]}, "pools must be integers from 2 to 64, got 1"),
        ({"strides": [0]}, "strides must be integers from 1 to 64, got 0"),
        ({"kernel_heights": []}, "kernel_heights must be distinct and not empty"),
        ({"kernel_widths": [None]}, "kernel_widths must be integers"),
        ({"kernel_heights": range(1, 65), "kernel_widths": range(1, 65), "filters": range(1, 65)}, "at most"),
    ],
)
def test_arguments__out_of_range_are_refused(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        GraphSpace(**keywords)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_diagram__has_the_links_and_where_the_ends_meet() -> None:
    space = GraphSpace(strides=(1, 2), pools=(2,), max_layers=3)
    names = ("conv3x7-48", "pool2", "conv1x1-24-stride2x1", "from-1")
    blocks = space.diagram(names)
    assert [block.label for block in blocks] == ["3x7\n48", "pool\n2", "1x1\n24\n/ 2x1"]
    assert [block.inputs for block in blocks] == [(-1,), (-1,), (0,)]
    assert space.diagram((*names, "EOS")) == (*blocks, Block("mean", None, (1, 2), dense=False))
    full = ("pool2", "pool2", "from-1", "pool2", "from-1", "from-2")
    assert space.diagram(full)[-1] == Block("mean", None, (2,), dense=False)
    assert len(space.diagram(full)) == space.drawing_columns == 4
    assert space.diagram(()) == ()
