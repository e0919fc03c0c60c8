from itertools import islice, product
from typing import Any, get_args

import numpy as np
import pytest

from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError
from nas_gym.search_spaces import CellSpace
from nas_gym.search_spaces.cell.description import (
    CELL_STATE,
    COMBINATIONS,
    NOTHING,
    CellDescription,
    Operation,
    Step,
    describe,
    units_for,
)
from nas_gym.search_spaces.cell.grammar import GrowthLimit
from nas_gym.search_spaces.cell.references import LSTM, NASCELL
from tests.nas_gym.search_spaces.cells import FIGURE_5, GRU_SENTENCE, LSTM_SENTENCE

PLUS = Operation("add", "identity")


def test_space__has_the_papers_size() -> None:
    assert CellSpace(2).count() == 36_864
    assert CellSpace().count() == 63_331_869_759_897_600
    assert (CellSpace(2).max_length, CellSpace().max_length) == (6, 18)
    assert CellSpace(2).tokens == (
        *("add:identity", "add:tanh", "add:sigmoid", "add:relu"),
        *("elem_mult:identity", "elem_mult:tanh", "elem_mult:sigmoid", "elem_mult:relu"),
        *("node-0", "node-1", "node-2"),
    )


@pytest.mark.parametrize("base", [3, 0, 1, -2, 64, 8.0, "8", True, None])
def test_space__refuses_other_bases(base: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match=r"base must be .* from 2 to 32, got") as error:
        CellSpace(base)
    assert "\n" not in str(error.value)


def test_space__refuses_cells_whose_state_grows_faster_than_it_allows() -> None:
    cells = {
        "bounded": FIGURE_5,
        "linear": "add:relu add:tanh add:identity add:tanh node-0 node-1",
        "superlinear": "add:relu elem_mult:relu elem_mult:relu add:relu node-0 node-0",
    }
    refused = {
        limit: [name for name, text in cells.items() if space.refuses(space.parse(text))]
        for limit in get_args(GrowthLimit)
        for space in [CellSpace(2, limit)]
    }
    assert refused == {"any": [], "linear": ["superlinear"], "bounded": ["linear", "superlinear"]}
    space = CellSpace(growth="bounded")
    says = "the growth of its state is linear, at most bounded is allowed"
    assert space.refuses(space.parse(LSTM_SENTENCE)) == says
    assert space.refuses(NASCELL) is None
    with pytest.raises(InvalidArgumentError, match="growth must be one of any, linear, bounded, got 'none'"):
        CellSpace(growth="none")  # type: ignore[arg-type]


@pytest.mark.slow  # 36,864 sentences
@pytest.mark.timeout(60)
def test_base_2__has_another_cell_for_every_sentence() -> None:
    space = CellSpace(2)
    sentences = product(range(8), range(8), range(8), range(8), range(8, 11), range(8, 11))
    architectures = map(space.decode, sentences)
    assert len({describe(architecture.tokens) for architecture in architectures}) == space.count()


def test_combinations__stand_where_they_can() -> None:
    space = CellSpace(2, combinations=("gate", "elem_mult", "left", "add"))
    assert space.combinations == ("add", "elem_mult", "left", "gate")
    assert space.count() == 12 * 12 * 16 * 12 * 3 * 3
    legal = [np.flatnonzero(space.legal_next((0,) * length)) for length in range(4)]
    may = [" ".join(dict.fromkeys(space.tokens[token].split(":")[0] for token in each)) for each in legal]
    assert may == [*2 * ["add elem_mult left"], "add elem_mult left gate", "add elem_mult left"]
    with pytest.raises(InvalidArchitectureError, match="'gate:tanh' is no token"):
        CellSpace(2).parse("add:tanh add:tanh gate:tanh add:tanh node-0 node-0")
    with pytest.raises(InvalidArgumentError, match="one of add, elem_mult, left, gate, got 'max'"):
        CellSpace(combinations=("add", "max"))
    with pytest.raises(InvalidArgumentError, match="must hold one that leaves can have, got"):
        CellSpace(combinations=["gate"])


def test_ranks__are_the_positions_in_the_enumeration() -> None:
    space = CellSpace()
    first = list(islice(space.enumerate(), 300))
    assert [space.unrank(rank) for rank in range(300)] == first
    assert [space.rank(architecture) for architecture in first] == list(range(300))
    ranks = np.sort(np.random.default_rng(0).integers(space.count(), size=200)).tolist()
    drawn = [space.unrank(rank) for rank in [*ranks, space.count() - 1]]
    assert [space.rank(architecture) for architecture in drawn] == [*ranks, space.count() - 1]
    sentences = [space.encode(architecture) for architecture in drawn]
    assert sentences == sorted(sentences)


def test_batches__may_be_followed_by_what_each_row_may() -> None:
    space = CellSpace(4)
    sentences = np.stack([space.encode(space.unrank(rank)) for rank in range(space.max_length + 1)])
    lengths = np.arange(space.max_length + 1)
    alone = [space.legal_next(row[:n].tolist()) for row, n in zip(sentences, lengths, strict=True)]
    batch = space.legal_next_batch(sentences, lengths)
    assert np.array_equal(batch, np.stack(alone))
    batch[:] = False
    alone[0][:] = False
    assert space.legal_next(()).any()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FIGURE_5.replace("add:relu", "node-1"), "'node-1' cannot stand at position 4"),
        (FIGURE_5.replace("node-0", "add:tanh"), "allowed there: node-0 node-1 node-2"),
        (FIGURE_5.replace("node-0", "node-9"), "'node-9' is no token"),
        (FIGURE_5.replace(" node-0", ""), "unfinished after 5 tokens"),
        (str(NASCELL), "at most 6 tokens, 18 came"),
    ],
)
def test_parse__refuses_what_is_no_cell_of_the_base(text: str, message: str) -> None:
    with pytest.raises(InvalidArchitectureError, match=message):
        CellSpace(2).parse(text)


@pytest.mark.parametrize("shape", [(), (4, 4)])
def test_inputs__have_one_axis(shape: tuple[int, ...]) -> None:
    CellSpace().check_inputs((4,))
    with pytest.raises(InvalidArgumentError, match="one axis of features in each time step"):
        CellSpace().check_inputs(shape)


def test_description__injects_behind_the_leaves_or_behind_the_node() -> None:
    into_leaf = describe(tuple(FIGURE_5.split()))
    assert into_leaf == CellDescription(
        leaves=(Operation("add", "tanh"), Operation("elem_mult", "relu")),
        steps=(
            Step(Operation("add", "relu"), 0, CELL_STATE),
            Step(Operation("elem_mult", "sigmoid"), 2, 1),
        ),
        read=1,
    )
    into_root = describe(tuple(FIGURE_5.replace("node-1 node-0", "node-2 node-2").split()))
    assert into_root.steps == (
        Step(Operation("elem_mult", "sigmoid"), 0, 1),
        Step(Operation("add", "relu"), 2, CELL_STATE),
    )
    assert into_root.read == 2


@pytest.mark.parametrize(
    ("steps", "read", "message"),
    [
        ((Step(PLUS, 0, 2),), 0, "step 2 must read two of the steps 0 to 1"),
        ((Step(PLUS, 0, -3),), 0, "got 0 and -3"),
        ((Step(PLUS, 0, 0),), 0, "each value may be read once"),
        ((Step(PLUS, 0, CELL_STATE), Step(PLUS, 1, CELL_STATE)), 0, "each value may be read once"),
        ((Step(PLUS, 0, CELL_STATE),), 0, "each step but the last must be read"),
        ((Step(PLUS, 0, 1),), 3, "one of 3 steps, got 3"),
        ((Step(Operation("gate", "tanh"), 0, 1),), 0, "step 2 must read a sigmoid and a step"),
        ((Step(Operation("gate", "tanh"), 0, CELL_STATE),), 0, "it is a gate"),
        ((Step(Operation("left", "tanh"), 0, 1),), 0, "it has left alone"),
        ((Step(PLUS, 0, NOTHING),), 0, "it has left alone"),
    ],
)
def test_description__must_be_a_tree(steps: tuple[Step, ...], read: int, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        CellDescription((PLUS, PLUS), steps, read)


def test_parameters__of_the_published_cell() -> None:
    assert describe(NASCELL.tokens).parameters(200, 200) == 640_000
    assert LSTM.parameters(200, 200, bias=True) == 320_800


@pytest.mark.parametrize(("parameters", "units"), [(640_000, 200), (643_000, 200), (644_000, 201), (16, 1)])
def test_units__come_closest_to_a_number_of_parameters(parameters: int, units: int) -> None:
    cell = describe(NASCELL.tokens)
    assert units_for(parameters, lambda n: cell.parameters(n, n)) == units


def test_units__refuse_fewer_parameters_than_one_unit_has() -> None:
    with pytest.raises(InvalidArgumentError, match="one unit makes 12 parameters, there may be 11"):
        units_for(11, lambda n: LSTM.parameters(n, n, bias=True))


def test_diagram__shows_where_c_enters_and_leaves() -> None:
    space = CellSpace()
    blocks = space.diagram(NASCELL.tokens)
    where = {block.label: index for index, block in enumerate(blocks)}
    assert len(where) == len(blocks) == 15 + 3
    assert blocks[where["c(t)"]].inputs == (where["12\n×"],)  # noqa: RUF001
    assert blocks[where["c(t-1)\ntanh +"]].inputs == (where["8\ntanh ×"],)  # noqa: RUF001
    assert where["c(t-1)\ntanh +"] in blocks[where["12\n×"]].inputs  # noqa: RUF001
    assert blocks[-1].label == "h(t)"
    places = [block.place for block in blocks]
    assert len(set(places)) == len(places)
    for length in range(space.max_length):
        assert len(space.diagram(NASCELL.tokens[:length])) == min(length, 15) + (length == 17)


def test_diagram__draws_what_is_read() -> None:
    blocks = CellSpace(combinations=COMBINATIONS).diagram(GRU_SENTENCE.split())
    where = {block.label: block for block in blocks}
    assert len(blocks) == 15 + 2, "c(t-1) enters through the gate alone"
    assert blocks.index(where["12\nsigmoid"]) in where["14\ngate c(t-1)"].inputs
    assert where["12\nsigmoid"].inputs == (blocks.index(where["8\nidentity"]),)
    assert where["6\nx(t)"].inputs == (-1,)
    small = CellSpace(2, combinations=COMBINATIONS)
    for sentence, labels in (
        (
            "add:tanh add:tanh gate:tanh left:relu node-2 node-1",
            {"0\nsigmoid +", "1\ntanh +", "relu", "c(t)"},
        ),
        ("add:tanh add:tanh gate:tanh add:tanh node-0 node-0", {"0\ntanh +", "c(t-1)\nsigmoid +", "c(t)"}),
        ("add:tanh add:relu left:tanh add:tanh node-1 node-1", {"0\ntanh +", "2\ntanh", "c(t)", "h(t)"}),
    ):
        drawn = [block.label for block in small.diagram(sentence.split())]
        assert labels <= set(drawn), drawn
        assert ("c(t-1)" in " ".join(drawn)) == ("gate" in sentence), drawn
