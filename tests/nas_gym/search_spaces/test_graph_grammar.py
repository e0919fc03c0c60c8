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
from tests.nas_gym.search_spaces.convolutional_spaces import FIGURE_7, GRAPHS, links, spaces_and_sentences

TINY: dict[str, Any] = {"kernel_heights": [3], "kernel_widths": [3], "filters": [8]}
LAYER = "height-3 width-3 filters-36"
SMALL: list[dict[str, Any]] = [
    {**TINY, "max_layers": 1},
    {**TINY, "max_layers": 4},
    {**TINY, "strides": [1, 2], "pools": [2], "max_layers": 2},
    {**TINY, "pools": [2, 3], "max_layers": 3},
]


def may_be_written(space: GraphSpace, names: list[str]) -> bool:
    """Say whether token names are a whole sentence, by the words of the docstring."""
    strides = ["stride_height", "stride_width"] if "stride_height-" in " ".join(space.tokens) else []
    rest, layers = list(names), 0
    while rest and rest != ["EOS"]:
        kinds = ["pool"] if rest[0].startswith("pool") else ["height", "width", *strides, "filters"]
        own, links = rest[: len(kinds)], rest[len(kinds) : len(kinds) + layers]
        if [name.rpartition("-")[0] for name in own] != kinds:
            return False
        if len(links) < layers or not set(links) <= {"read", "ignore"}:
            return False
        rest, layers = rest[len(kinds) + layers :], layers + 1
    return 1 <= layers <= space.max_layers and (rest == ["EOS"]) == (layers < space.max_layers)


@pytest.mark.parametrize(
    ("space", "begin_a_layer", "others", "max_length"),
    [
        (GraphSpace(), "height-1 height-3 height-5 height-7", "", 150),
        (
            GraphSpace(strides=(2, 1)),
            "height-1 height-3 height-5 height-7",
            "stride_height-2 stride_height-1 stride_width-2 stride_width-1 ",
            180,
        ),
        (GraphSpace(kernel_heights=(3,), strides=(2,)), "height-3", "stride_height-2 stride_width-2 ", 180),
        (GraphSpace(kernel_heights=(3,), pools=(3, 2)), "height-3 pool-3 pool-2", "", 150),
    ],
)
def test_tokens__are_values_of_properties_then_links_then_the_end(
    space: GraphSpace, begin_a_layer: str, others: str, max_length: int
) -> None:
    rest = f"width-1 width-3 width-5 width-7 {others}filters-24 filters-36 filters-48 filters-64"
    assert " ".join(space.tokens) == f"{begin_a_layer} {rest} read ignore EOS"
    names = [name for name, adds in zip(space.tokens, space.layer_tokens, strict=True) if adds]
    assert names == begin_a_layer.split()
    assert space.max_length == max_length


def test_random_sentences__have_layers_and_links_in_equal_measure() -> None:
    space, generator = GraphSpace(), np.random.default_rng(0)
    drawn = [describe(space.decode(random_sentence(space, generator)).tokens) for _ in range(1000)]
    assert np.mean([len(graph.nodes) for graph in drawn]) == pytest.approx(5 * (1 - 0.8**15), abs=0.3)
    seconds = [graph.nodes[1].inputs == (1,) for graph in drawn if len(graph.nodes) > 1]
    assert np.mean(seconds) == pytest.approx(0.5, abs=0.05)


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
    said: list[str] = []
    for earlier, node in enumerate(describe(network.tokens).nodes):
        if isinstance(node.layer, MaxPool):
            said.append(f"pool-{node.layer.size}")
        else:
            (height, width), (down, right) = node.layer.kernel, node.layer.stride
            strides = [f"stride_height-{down}", f"stride_width-{right}"]
            said += [f"height-{height}", f"width-{width}"]
            said += [name for name in strides if name in space.tokens] + [f"filters-{node.layer.filters}"]
        said += links(earlier, set(node.inputs))
    assert said == names


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
        ("", "'EOS' cannot stand at position 1"),
        ("read", "'read' cannot stand at position 1"),
        ("width-3", "'width-3' cannot stand at position 1"),
        ("height-3", "'EOS' cannot stand at position 2"),
        ("height-3 height-3", "'height-3' cannot stand at position 2"),
        ("height-3 filters-36 width-3", "'filters-36' cannot stand at position 2"),
        (f"{LAYER} read", "'read' cannot stand at position 4"),
        (f"{LAYER} EOS", "'EOS' cannot stand at position 5"),
        (f"{LAYER} {LAYER}", "'EOS' cannot stand at position 7"),
        (f"{LAYER} {LAYER} read read", "'read' cannot stand at position 8"),
        (f"{LAYER} {LAYER} {LAYER} ignore", "'height-3' cannot stand at position 7"),
        (f"{FIGURE_7} EOS", "at most 150 tokens, 151 came"),
        ("height-3 width-3 filters-32", "'filters-32' is no token"),
        ("height-3 width-3 stride_height-1 stride_width-1 filters-36", "'stride_height-1' is no token"),
        ("pool-2", "'pool-2' is no token"),
        ("conv3x3-36", "'conv3x3-36' is no token"),
    ],
)
def test_parse__refuses_what_names_no_network(text: str, says: str) -> None:
    with pytest.raises(InvalidArchitectureError) as error:
        GraphSpace().parse(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1500, "one line that can be read"


def test_parse__reads_sentences_that_are_full_with_fewer_tokens_than_others() -> None:
    space = GraphSpace(pools=(2,), max_layers=3)
    text = "pool-2 pool-2 read pool-2 ignore read"
    sentence = space.encode(space.parse(text))
    assert [space.tokens[token] for token in sentence] == text.split()
    assert len(sentence) < space.max_length == 12
    with pytest.raises(InvalidArchitectureError, match="'EOS' cannot stand at position 7"):
        space.parse(f"{text} EOS")


def test_description__says_what_the_tokens_mean() -> None:
    text = "height-3 width-7 stride_height-1 stride_width-1 filters-48 pool-2 read"
    text += " height-1 width-3 stride_height-2 stride_width-1 filters-24 ignore ignore"
    text += " height-3 width-3 stride_height-1 stride_width-1 filters-36 read ignore read EOS"
    graph = describe(text.split())
    assert [node.layer for node in graph.nodes] == [
        Convolution((3, 7), 48),
        MaxPool(2),
        Convolution((1, 3), 24, (2, 1)),
        Convolution((3, 3), 36),
    ]
    assert [node.inputs for node in graph.nodes] == [(0,), (1,), (0,), (1, 3)]
    assert graph.unread == (2, 4)


def test_description__of_a_prefix_has_the_layers_whose_properties_are_written() -> None:
    names = f"{LAYER} {LAYER} read {LAYER} read ignore".split()
    graphs = [describe(names[:length]) for length in range(len(names) + 1)]
    assert [len(graph.nodes) for graph in graphs] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3]
    assert [graph.nodes[1].inputs for graph in graphs[6:8]] == [(0,), (1,)]


def test_figure_7__has_the_published_number_of_parameters() -> None:
    space = GraphSpace()
    network = space.parse(FIGURE_7)
    assert len(network.tokens) == space.max_length == 150
    assert network.tokens.count("read") == 65
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
    ],
)
def test_arguments__out_of_range_are_refused(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        GraphSpace(**keywords)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_diagram__has_the_links_and_where_the_ends_meet() -> None:
    space = GraphSpace(strides=(1, 2), pools=(2,), max_layers=4)
    text = "height-3 width-7 stride_height-1 stride_width-1 filters-48 pool-2 ignore"
    text += " height-1 width-1 stride_height-2 stride_width-1 filters-24 read ignore"
    blocks = space.diagram(text.split())
    assert [block.label for block in blocks] == ["3x7\n48", "pool\n2", "1x1\n24\n/ 2x1"]
    assert [block.inputs for block in blocks] == [(-1,), (-1,), (0,)]
    assert space.diagram((*text.split(), "EOS")) == (*blocks, Block("mean", None, (1, 2), dense=False))
    full = "pool-2 pool-2 read pool-2 read read pool-2 ignore read ignore".split()
    assert space.diagram(full)[-1] == Block("mean", None, (2, 3), dense=False)
    assert len(space.diagram(full)) == space.drawing_columns == 5
    assert space.diagram(()) == ()


def test_diagram__of_a_prefix_shows_what_is_written_of_a_layer() -> None:
    space = GraphSpace(strides=(1, 2))
    names = "height-3 width-7 stride_height-2 stride_width-1 filters-48".split()
    labels = [space.diagram(names[:length])[-1].label for length in range(1, 6)]
    assert labels == ["3x?\n?", "3x7\n?", "3x7\n?\n/ 2x?", "3x7\n?\n/ 2x1", "3x7\n48\n/ 2x1"]
    blocks = space.diagram([*names, "height-1"])
    assert [block.inputs for block in blocks] == [(-1,), (-1,)]
