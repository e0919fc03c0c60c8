"""How fast the state of a cell can grow over time, read off its description.

A value of a cell is bounded by a sum of products of h_{t-1} and c_{t-1}, whatever weights and inputs are; a
product is kept as its degrees in both. Tanh and sigmoid bound a value, a sum keeps the products of both its
operands, a product multiplies them. Then the degrees are followed over time, from one step to the next.
"""

from typing import Literal, get_args

from nas_gym.search_spaces.cell.description import CELL_STATE, NOTHING, CellDescription, Operation, Step

Growth = Literal["bounded", "linear", "superlinear"]
GROWTHS: tuple[Growth, ...] = get_args(Growth)
"""The slowest first."""
Products = frozenset[tuple[int, int]]
"""Degrees in h_{t-1} and c_{t-1}, one pair for each product."""

OF_STATE: Products = frozenset({(1, 0)})
"""A leaf: one linear map of h_{t-1}, whether the input's is added to it or multiplies it."""
OF_CELL: Products = frozenset({(0, 1)})
CONSTANT: Products = frozenset({(0, 0)})
BOUNDED_BY = {"identity": None, "relu": None, "tanh": CONSTANT, "sigmoid": CONSTANT}
"""What an activation bounds every value by, ``None`` for those that do not."""
SETTLED = 4
"""Steps after which degrees that still grow do so for ever: what h and c can do to one another is done."""


def growth_of(description: CellDescription) -> Growth:
    """Say how h_t and c_t can grow with t.

    ``"bounded"``: after a few steps nothing depends on how large a state was. ``"linear"``: each step
    multiplies a state by so much at most, as c_t of an LSTM, and small weights keep it from growing.
    ``"superlinear"``: a state is multiplied by itself, or by another that grows, so that a large one explodes
    whatever the weights are. It is a bound: a cell may do better.
    """
    hidden, memory = products_of(description)
    degrees, history = (1, 1), []
    for _ in range(2 * SETTLED):
        degrees = (_largest(hidden, degrees), _largest(memory, degrees))
        history.append(max(degrees))
    if history[-1] > history[SETTLED - 1]:
        return "superlinear"
    return "linear" if history[-1] else "bounded"


def products_of(description: CellDescription) -> tuple[Products, Products]:
    """Return what bounds h_t and c_t after one step."""
    values: list[Products] = []
    memory = CONSTANT
    for number, operation in enumerate(description.operations):
        if number < len(description.leaves):
            combined = CONSTANT if operation.combination == "left" else OF_STATE
        else:
            step = description.steps[number - len(description.leaves)]
            combined = _combined(operation, values[step.left], _operand(values, step))
        if number == description.read:
            memory = combined
        values.append(BOUNDED_BY[operation.activation] or combined)
    return values[-1], memory


def _operand(values: list[Products], step: Step) -> Products:
    return {CELL_STATE: OF_CELL, NOTHING: CONSTANT}.get(step.right) or values[step.right]


def _combined(operation: Operation, left: Products, right: Products) -> Products:
    match operation.combination:
        case "add":
            return left | right
        case "elem_mult":
            return frozenset((h + k, c + d) for h, c in left for k, d in right)
        case "left":
            return left
    return right | OF_CELL  # of a gate: the share is from 0 to 1


def _largest(products: Products, degrees: tuple[int, int]) -> int:
    """Return the largest degree of a sum of products whose factors have these degrees."""
    return max(h * degrees[0] + c * degrees[1] for h, c in products)
