from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError
from nas_gym.search_spaces import ConvSpace
from nas_gym.search_spaces.base import Block
from nas_gym.search_spaces.conv.description import Chain, ChainLayer, Convolution, Graph, MaxPool, describe
from nas_gym.testing import check_search_space, random_sentence
from tests.nas_gym.search_spaces.conv_spaces import CHAINS, FIGURE_7, GRAPHS, spaces_and_sentences

TINY = {"kernel_heights": [3], "kernel_widths": [3], "filters": [8]}
ONE = {"kernels": [3], "filters": [8], "pools": [1], "dropouts": [0]}
SMALL: list[dict[str, Any]] = [
    {**ONE, "max_layers": 1},
    {**ONE, "filters": [8, 16], "dropouts": [0, 0.5], "max_layers": 3},
    {"preset": "graph", **TINY, "max_layers": 1},
    {"preset": "graph", **TINY, "max_layers": 4},
    {"preset": "graph", **TINY, "strides": [1, 2], "pools": [2], "max_layers": 2},
    {"preset": "graph", **TINY, "pools": [2, 3], "max_layers": 3},
]


def may_be_written(space: ConvSpace, names: list[str]) -> bool:
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
    ("space", "tokens", "first", "last"),
    [
        (ConvSpace(), 108 + 1, "conv3x3-8-pool1-drop0", "conv7x7-64-pool3-drop0.5"),
        (ConvSpace(dimensions=1), 108 + 1, "conv3-8-pool1-drop0", "conv7-64-pool3-drop0.5"),
        (ConvSpace("graph"), 64 + 14 + 1, "conv1x1-24", "conv7x7-64"),
        (ConvSpace("graph", strides=(2, 1)), 256 + 14 + 1, "conv1x1-24-stride2x2", "conv7x7-64"),
        (ConvSpace("graph", pools=(2, 3)), 66 + 14 + 1, "conv1x1-24", "pool3"),
    ],
    ids=lambda value: value.preset if isinstance(value, ConvSpace) else None,
)
def test_tokens__are_layers_then_links_then_the_end(
    space: ConvSpace, tokens: int, first: str, last: str
) -> None:
    assert len(space.tokens) == tokens
    layers = [name for name, adds in zip(space.tokens, space.layer_tokens, strict=True) if adds]
    links = [f"from-{number}" for number in range(1, 15)] if space.preset == "graph" else []
    assert (layers[0], layers[-1]) == (first, last)
    assert space.tokens == (*layers, *links, "EOS")
    assert space.max_length == (120 if space.preset == "graph" else 2)


@pytest.mark.parametrize("keywords", SMALL)
def test_count__is_the_number_of_sentences(keywords: dict[str, Any]) -> None:
    space = ConvSpace(**keywords)
    networks = list(space.enumerate())
    assert len(set(networks)) == len(networks) == space.count()


def test_count__of_the_presets_is_exact() -> None:
    assert ConvSpace().count() == 108 + 108**2
    by_hand = sum(64**depth * 2 ** sum(range(depth)) for depth in range(1, 16))
    assert ConvSpace("graph").count() == by_hand
    assert type(ConvSpace("graph").count()) is int


@pytest.mark.parametrize("keywords", SMALL)
def test_space__keeps_the_contract_with_other_arguments(keywords: dict[str, Any]) -> None:
    check_search_space(ConvSpace(**keywords), samples=30)


def test_graph__keeps_the_contract_at_full_depth() -> None:
    check_search_space(ConvSpace("graph"), samples=3)


@settings(deadline=None, database=None, max_examples=300)
@given(spaces_and_sentences())
def test_sentences__parse_back_and_are_described_by_their_names(drawn: tuple[ConvSpace, list[str]]) -> None:
    space, names = drawn
    network = space.parse(" ".join(names))
    assert space.parse(str(network)) == space.decode(space.encode(network)) == network
    description = describe(network.tokens)
    layers = description.layers if isinstance(description, Chain) else [n.layer for n in description.nodes]
    assert isinstance(description, Chain) == (space.preset == "chain")
    assert list(map(str, layers)) == [name for name in names if not name.startswith("from-")]


@settings(deadline=None, database=None, max_examples=300)
@given(spaces_and_sentences(), st.data())
def test_decode__takes_exactly_what_the_docstring_allows(
    drawn: tuple[ConvSpace, list[str]], data: st.DataObject
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
@given(CHAINS | GRAPHS, st.integers(0, 2**32 - 1))
def test_legal_next_batch__agrees_with_legal_next_in_mixed_rows(arguments: dict[str, Any], seed: int) -> None:
    space, generator = ConvSpace(**arguments), np.random.default_rng(seed)
    rows = []
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
    ("preset", "text", "says"),
    [
        ("graph", "from-1 conv3x3-36", "'from-1' cannot stand at position 1"),
        ("graph", "conv3x3-36 from-1", "'from-1' cannot stand at position 2"),
        ("graph", "conv3x3-36 conv3x3-36 from-2", "'from-2' cannot stand at position 3"),
        ("graph", "conv3x3-36 conv3x3-36 from-1 from-1", "'from-1' cannot stand at position 4"),
        ("graph", "conv3x3-36 " * 3 + "from-2 from-1", "'from-1' cannot stand at position 5"),
        ("graph", "conv3x3-36 " * 16, "'conv3x3-36' cannot stand at position 16"),
        ("graph", "conv3x3-32", "'conv3x3-32' is no token"),
        ("graph", "conv3x3-36-stride1x1", "is no token"),
        ("graph", "conv3x3-8-pool1-drop0", "is no token"),
        ("chain", "conv3x3-8-pool1-drop0 " * 3, "at most 2 tokens, 3 came"),
        ("chain", "conv3-8-pool1-drop0", "is no token"),
        ("chain", "", "'EOS' cannot stand at position 1"),
    ],
)
def test_parse__refuses_what_names_no_network(preset: Any, text: str, says: str) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArchitectureError) as error:
        ConvSpace(preset).parse(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1500, "one line that can be read"


def test_description__says_what_the_tokens_mean() -> None:
    chain = describe(("conv5x5-32-pool2-drop0.25", "conv7-8-pool64-drop0"))
    assert chain == Chain((ChainLayer((5, 5), 32, 2, 0.25), ChainLayer((7,), 8, 64, 0.0)))
    graph = describe(("conv3x7-48", "pool2", "from-1", "conv1x3-24-stride2x1", "conv3x3-36", "from-1", "EOS"))
    assert isinstance(graph, Graph)
    assert [node.layer for node in graph.nodes] == [
        Convolution((3, 7), 48),
        MaxPool(2),
        Convolution((1, 3), 24, (2, 1)),
        Convolution((3, 3), 36),
    ]
    assert [node.inputs for node in graph.nodes] == [(0,), (1,), (0,), (1,)]
    assert graph.unread == (2, 3, 4)


def test_figure_7__has_the_published_number_of_parameters() -> None:
    space = ConvSpace("graph")
    network = space.parse(FIGURE_7)
    assert len(network.tokens) == 15 + 65
    assert space.size(network, (3, 32, 32), 10).parameters == 4_201_630
    graph = describe(network.tokens)
    assert isinstance(graph, Graph)
    assert graph.unread == (15,)


@pytest.mark.parametrize(
    ("keywords", "shape", "says"),
    [
        ({}, (1, 7, 7), None),
        ({}, (1, 6, 7), "a kernel of 7x7 is larger than the images of 6x7 pixels"),
        ({"kernels": [1], "pools": [64]}, (1, 1, 1), None),
        ({"dimensions": 1, "kernels": [64]}, (3, 8, 8), None),
        ({"dimensions": 1, "kernels": [64]}, (3, 7, 9), "a kernel of 64 is larger than the images of 7x9"),
        ({"preset": "graph"}, (3, 7, 7), None),
        ({"preset": "graph", "kernel_heights": [3], "pools": [8]}, (3, 3, 5), "a kernel of 3x7 is larger"),
        ({"preset": "graph", "kernel_widths": [3], "pools": [8]}, (3, 5, 3), "a kernel of 7x3 is larger"),
        ({}, (4,), "needs images of the shape (channels, height, width), got (4,)"),
        ({}, (1, 0, 8), "got (1, 0, 8)"),
    ],
)
def test_feature_shape__must_have_room_for_the_kernels(
    keywords: dict[str, Any], shape: tuple[int, ...], says: str | None
) -> None:
    space = ConvSpace(**keywords)
    if says is None:
        space.check_feature_shape(shape)
        return
    with pytest.raises(InvalidArgumentError) as error:
        space.check_feature_shape(shape)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"preset": "tree"}, "preset must be one of chain, graph, got 'tree'"),
        ({"preset": ["graph"]}, "preset must be one of chain, graph"),
        ({"strides": [1]}, "the preset chain has no argument 'strides'; it has kernels, filters"),
        ({"preset": "graph", "kernels": [3]}, "the preset graph has no argument 'kernels'"),
        ({"preset": "graph", "dropouts": [0]}, "no argument 'dropouts'"),
        ({"max_layers": 0}, "max_layers must be an integer from 1 to 64, got 0"),
        ({"max_layers": 2.0}, "max_layers must be an integer"),
        ({"max_layers": True}, "max_layers must be an integer"),
        ({"preset": "graph", "max_layers": 65}, "max_layers must be an integer"),
        ({"dimensions": 3}, "dimensions must be 1 or 2, got 3"),
        ({"dimensions": True}, "dimensions must be 1 or 2, got True"),
        ({"kernels": []}, "kernels must be distinct and not empty, got []"),
        ({"kernels": [3, 3]}, "kernels must be distinct"),
        ({"kernels": [0]}, "kernels must be integers from 1 to 64, got 0"),
        ({"kernels": [3, 65]}, "got 65"),
        ({"kernels": 3}, "kernels must be a sequence of numbers, got 3"),
        ({"kernels": "35"}, "kernels must be a sequence of numbers, got '35'"),
        ({"filters": [8.0]}, "filters must be integers from 1 to 4096, got 8.0"),
        ({"filters": [-8]}, "got -8"),
        ({"pools": [0]}, "pools must be integers from 1 to 64, got 0"),
        ({"preset": "graph", "pools": [1]}, "pools must be integers from 2 to 64, got 1"),
        ({"preset": "graph", "strides": [0]}, "strides must be integers from 1 to 64, got 0"),
        ({"preset": "graph", "kernel_heights": []}, "kernel_heights must be distinct and not empty"),
        ({"preset": "graph", "kernel_widths": [None]}, "kernel_widths must be integers"),
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
        ConvSpace(**keywords)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_diagram__of_a_chain_has_a_box_for_each_layer() -> None:
    names = ("conv5x5-32-pool2-drop0.25", "conv3x3-8-pool1-drop0")
    assert ConvSpace().diagram(names) == (
        Block("conv 5x5\n32 filters\npool 2\ndrop 0.25", None, (-1,), dense=False),
        Block("conv 3x3\n8 filters", None, (0,), dense=False),
    )


def test_diagram__of_a_graph_has_its_links_and_where_its_ends_meet() -> None:
    space = ConvSpace("graph", strides=(1, 2), pools=(2,), max_layers=3)
    names = ("conv3x7-48", "pool2", "conv1x1-24-stride2x1", "from-1")
    blocks = space.diagram(names)
    assert [block.label for block in blocks] == ["3x7\n48", "pool\n2", "1x1\n24\n/ 2x1"]
    assert [block.inputs for block in blocks] == [(-1,), (-1,), (0,)]
    assert space.diagram((*names, "EOS")) == (*blocks, Block("mean", None, (1, 2), dense=False))
    full = ("pool2", "pool2", "from-1", "pool2", "from-1", "from-2")
    assert space.diagram(full)[-1] == Block("mean", None, (2,), dense=False)
    assert len(space.diagram(full)) == space.drawing_columns == 4
    assert space.diagram(()) == ()
