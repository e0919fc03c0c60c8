import pytest

from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError
from nas_gym.search_spaces import NasBench201Space
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.nas_bench_201.grammar import from_official, to_official

OFFICIAL = (
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|",
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|",
    "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|none~0|nor_conv_1x1~1|none~2|",
)
"""Cells 0, 1 and 284 of the official list."""


def test_space__has_the_cells_of_the_benchmark() -> None:
    space = NasBench201Space()
    assert space.count() == 15_625
    assert space.tokens == ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    assert (space.max_length, space.end_token) == (6, None)


@pytest.mark.parametrize("text", OFFICIAL)
def test_official_text__goes_there_and_back(text: str) -> None:
    cell = from_official(text)
    assert NasBench201Space().parse(str(cell)) == cell
    assert to_official(cell) == text


def test_official_text__lists_the_edges_in_the_order_of_the_tokens() -> None:
    cell = NasBench201Space().parse("none skip_connect nor_conv_1x1 nor_conv_3x3 avg_pool_3x3 none")
    assert to_official(cell) == (
        "|none~0|+|skip_connect~0|nor_conv_1x1~1|+|nor_conv_3x3~0|avg_pool_3x3~1|none~2|"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        OFFICIAL[0][:-1],
        OFFICIAL[0] + "+|none~0|",
        OFFICIAL[0].replace("avg_pool_3x3", "max_pool_3x3"),
        OFFICIAL[0].replace("skip_connect~2", "skip_connect~0"),
    ],
)
def test_official_text__of_no_cell_is_refused(text: str) -> None:
    with pytest.raises(InvalidArchitectureError, match="is no cell of NAS-Bench-201"):
        from_official(text)


@pytest.mark.parametrize("operations", [(), ("none", "none"), ("none", "conv")])
def test_operations__must_be_known_and_distinct(operations: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgumentError):
        NasBench201Space(operations)


def test_diagram__sums_at_the_nodes_what_the_edges_bring() -> None:
    space = NasBench201Space()
    blocks = space.diagram(("nor_conv_3x3", "none", "skip_connect"))
    assert [block.label for block in blocks] == ["nor_conv_3x3", "+", "none", "skip_connect", "+"]
    assert [block.inputs for block in blocks] == [(-1,), (0,), (-1,), (1,), (3,)]
    whole = space.diagram(("skip_connect",) * 6)
    assert sum(block.label == "+" for block in whole) == 3
    assert whole[-1].inputs == (5, 6, 7)
    assert [whole[i].inputs for i in (5, 6, 7)] == [(-1,), (1,), (4,)]
    assert len({block.place for block in whole}) == len(whole) == 9
    assert space.diagram(()) == ()
    assert isinstance(whole[0], Block)
