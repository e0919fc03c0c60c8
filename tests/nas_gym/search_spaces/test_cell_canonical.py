from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from nas_gym.search_spaces import CellSpace, MlpSpace
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.cell.description import (
    CELL_STATE,
    COMBINATIONS,
    CellDescription,
    children_of,
    describe,
    node_of,
    written_out,
)
from nas_gym.search_spaces.cell.grammar import PAPERS
from nas_gym.search_spaces.cell.growth import growth_of
from nas_gym.testing import random_sentence

Tree = tuple[object, ...]
ALL_OR_PAPERS = pytest.mark.parametrize("combinations", [PAPERS, COMBINATIONS], ids=len)


def drawn(base: int, count: int, combinations: Sequence[str] = PAPERS) -> Iterator[Architecture]:
    space, generator = CellSpace(base, combinations=combinations), np.random.default_rng(0)
    for _ in range(count):
        yield space.decode(random_sentence(space, generator))


def unordered(cell: CellDescription, number: int | None = None) -> Tree:
    """Return what a step computes as a tree whose children have no order but below gates, c_t marked."""
    if number is None:
        number = len(cell.operations) - 1
    if number < 0:
        return ("c(t-1)" if number == CELL_STATE else "nothing",)
    below: frozenset[tuple[Tree, int]] | Tree = frozenset()
    if number >= len(cell.leaves):
        step = cell.steps[number - len(cell.leaves)]
        trees = [unordered(cell, step.left), unordered(cell, step.right)]
        ordered = not step.operation.commutes
        below = tuple(trees) if ordered else frozenset((tree, trees.count(tree)) for tree in trees)
    return (cell.operations[number], number == cell.read, below)


def meaning(cell: CellDescription) -> tuple[Tree, Tree]:
    """Return what h_t and c_t are, whatever the activation of the step that c_t is read from before it."""
    _, *read = unordered(cell, cell.read)
    return unordered(cell), (cell.operations[cell.read].combination, *read)


def swapped(architecture: Architecture, base: int, node: int) -> Architecture:
    """Return a sentence with both children of a node swapped, and all that is below them."""
    tokens = architecture.tokens
    to = list(range(2 * base - 1))
    pairs = [children_of(node, base)]
    while pairs:
        left, right = pairs.pop()
        to[left], to[right] = right, left
        if left >= base:
            pairs += zip(children_of(left, base), children_of(right, base), strict=True)
    nodes = tuple(tokens[to[each]] for each in range(2 * base - 1))
    places = tuple(f"node-{to.index(node_of(name))}" for name in tokens[-2:])
    return Architecture("cell-v0", (*nodes, tokens[2 * base - 1], *places))


@ALL_OR_PAPERS
@pytest.mark.parametrize("base", [2, 8, 32])
def test_canonical__is_the_same_cell_in_one_form(base: int, combinations: Sequence[str]) -> None:
    space = CellSpace(base, combinations=combinations)
    for cell in drawn(base, 50, combinations):
        canonical = space.canonical(cell)
        assert space.parse(str(canonical)) == canonical == space.canonical(canonical)
        before, after = describe(cell.tokens), describe(canonical.tokens)
        assert meaning(before) == meaning(after)
        assert growth_of(before) == growth_of(after)


@pytest.mark.parametrize("base", [2, 8])
def test_canonical__does_not_depend_on_the_order_of_children(base: int) -> None:
    space, generator = CellSpace(base), np.random.default_rng(1)
    for cell in drawn(base, 30):
        other = cell
        for node in generator.integers(base, 2 * base - 1, size=5).tolist():
            other = swapped(other, base, node)
        assert meaning(describe(other.tokens)) == meaning(describe(cell.tokens))
        assert space.canonical(other) == space.canonical(cell)


@ALL_OR_PAPERS
def test_canonical__tells_other_cells_apart(combinations: Sequence[str]) -> None:
    space = CellSpace(2, combinations=combinations)
    cells = list(drawn(2, 2000, combinations))
    forms = {space.canonical(cell) for cell in cells}
    meanings = {meaning(describe(cell.tokens)) for cell in cells}
    assert len(meanings) <= len(forms) < len(set(cells))
    assert len(forms) - len(meanings) <= len(combinations) - len(PAPERS)  # one activation of two in a row


def test_written_out__changes_no_cell_of_the_paper() -> None:
    for cell in drawn(8, 200):
        assert written_out(cell.tokens) == cell.tokens


@pytest.mark.parametrize("combinations", [("left", "gate"), ("left",), ("elem_mult", "left")], ids=str)
def test_canonical__is_a_sentence_of_the_space(combinations: Sequence[str]) -> None:
    space = CellSpace(4, combinations=combinations)
    for cell in drawn(4, 100, combinations):
        canonical = space.canonical(cell)
        assert space.parse(str(canonical)) == canonical
        assert meaning(describe(canonical.tokens)) == meaning(describe(cell.tokens))


def test_canonical__leaves_c_alone_where_nobody_reads_it() -> None:
    space = CellSpace(2, combinations=COMBINATIONS)
    sentence = "add:tanh elem_mult:relu left:tanh {} node-1 node-0"
    same = {space.canonical(space.parse(sentence.format(f"left:{name}"))) for name in ("identity", "tanh")}
    assert {describe(each.tokens).read for each in same} == {1, 2}, "c_t is read from the root"
    assert all(len(describe(each.tokens).leaves) == 1 for each in same)


def test_canonical__is_the_architecture_itself_elsewhere() -> None:
    network = MlpSpace().parse("Linear-8 Tanh")
    assert MlpSpace().canonical(network) is network
