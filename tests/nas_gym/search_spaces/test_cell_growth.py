import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from nas_gym.search_spaces import CellSpace
from nas_gym.search_spaces.cell.description import COMBINATIONS, CellDescription, describe
from nas_gym.search_spaces.cell.grammar import PAPERS
from nas_gym.search_spaces.cell.growth import growth_of, products_of
from nas_gym.search_spaces.cell.references import LSTM, NASCELL
from nas_gym.testing import random_sentence
from tests.nas_gym.search_spaces.cells import FIGURE_5, GRU_SENTENCE, LSTM_SENTENCE

ACTIVATED: dict[str, Callable[[float], float]] = {
    "identity": lambda value: value,
    "tanh": math.tanh,
    "sigmoid": lambda value: 1 / (1 + math.exp(-value)),
    "relu": lambda value: max(0.0, value),
}


def drawn(base: int, count: int, combinations: Sequence[str] = PAPERS) -> list[CellDescription]:
    space, generator = CellSpace(base, combinations=combinations), np.random.default_rng(0)
    return [describe(space.decode(random_sentence(space, generator)).tokens) for _ in range(count)]


def step(cell: CellDescription, hidden: float, memory: float) -> tuple[float, float]:
    """Compute a cell of one unit whose weights and inputs are 1: no two values cancel each other."""
    values: list[float] = []
    after = 0.0
    for number, operation in enumerate(cell.operations):
        left, right = 1.0, hidden
        if number >= len(cell.leaves):
            read = cell.steps[number - len(cell.leaves)]
            left, right = values[read.left], memory if read.right < 0 else values[read.right]
        combined = left + right if operation.combination == "add" else left * right
        if operation.combination == "left":
            combined = left
        elif operation.combination == "gate":
            combined += (1 - left) * memory
        after = combined if number == cell.read else after
        values.append(ACTIVATED[operation.activation](combined))
    return values[-1], after


@pytest.mark.parametrize(
    ("sentence", "growth"),
    [
        (FIGURE_5, "bounded"),  # h is a sigmoid, and c linear in it alone
        ("add:tanh add:tanh add:identity add:identity node-0 node-0", "linear"),  # h gives c, c gives h
        ("add:relu add:tanh add:identity add:tanh node-0 node-1", "linear"),
        ("add:tanh add:tanh add:tanh add:identity node-2 node-1", "linear"),  # c adds up
        ("add:tanh add:tanh add:tanh add:tanh node-2 node-1", "bounded"),
        ("add:relu elem_mult:relu elem_mult:relu add:tanh node-0 node-0", "linear"),
        ("add:relu elem_mult:relu elem_mult:relu add:relu node-0 node-0", "superlinear"),
        ("add:identity add:sigmoid elem_mult:identity elem_mult:identity node-0 node-2", "superlinear"),
        (LSTM_SENTENCE, "linear"),
        (GRU_SENTENCE, "linear"),
        ("add:tanh add:tanh gate:identity add:tanh node-0 node-0", "linear"),  # h through the gate, kept
        ("add:tanh add:tanh gate:tanh add:tanh node-2 node-0", "linear"),  # c is kept
        ("add:tanh add:relu gate:tanh add:relu node-0 node-1", "bounded"),
        ("left:relu add:relu elem_mult:relu add:relu node-0 node-0", "linear"),
        ("left:relu left:relu add:relu add:relu node-0 node-0", "bounded"),
        ("add:tanh add:relu gate:relu elem_mult:relu node-1 node-1", "superlinear"),
        (str(NASCELL), "bounded"),
    ],
)
def test_growth__of_cells_that_can_be_checked_by_hand(sentence: str, growth: str) -> None:
    assert growth_of(describe(tuple(sentence.split()))) == growth


def test_growth__of_an_lstm_is_that_of_its_memory() -> None:
    hidden, memory = products_of(LSTM)
    assert (set(hidden), set(memory)) == ({(0, 0)}, {(0, 0), (0, 1)})
    assert growth_of(LSTM) == "linear"


@pytest.mark.parametrize("combinations", [PAPERS, COMBINATIONS], ids=len)
@pytest.mark.parametrize("base", [2, 4, 8])
def test_growth__is_a_bound_on_what_cells_do(base: int, combinations: Sequence[str]) -> None:
    for cell in drawn(base, 300, combinations):
        growth, hidden, memory = growth_of(cell), 1e12, 1e12
        sizes = []
        if growth == "superlinear":
            continue
        for _ in range(12):
            hidden, memory = step(cell, hidden, memory)
            sizes.append(max(hidden, memory))
        if growth == "bounded":
            assert max(sizes[4:]) < 1e3, cell
        else:  # no step makes it larger by another power of ten than the one before
            assert max(b / a for a, b in pairwise(sizes[6:])) < 1e3, cell


def test_growth__that_is_superlinear_explodes() -> None:
    cell = describe(tuple("add:relu elem_mult:relu elem_mult:relu add:relu node-0 node-0".split()))
    hidden = memory = 2.0
    sizes = []
    for _ in range(6):
        hidden, memory = step(cell, hidden, memory)
        sizes.append(math.log(hidden))
    assert sizes[-1] > 1.5 * sizes[-2] > 1.5**2 * sizes[-3]


def test_growth__of_random_cells_is_mostly_bounded() -> None:
    counts = Counter(map(growth_of, drawn(8, 2000)))
    shares = [counts[growth] / 2000 for growth in ("bounded", "linear", "superlinear")]
    assert shares == pytest.approx([0.69, 0.21, 0.10], abs=0.03)
