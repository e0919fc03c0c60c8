"""Frozen descriptions of recurrent cells: from token names to the steps that compute a cell."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from nas_gym.errors import InvalidArgumentError

COMBINATIONS = ("add", "elem_mult")
ACTIVATIONS = ("identity", "tanh", "sigmoid", "relu")
CELL_STATE = -1
"""What a step names as its right operand to read c_{t-1}."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands are combined element by element, and an activation is applied: ``add:tanh``."""

    combination: str
    activation: str

    def __str__(self) -> str:
        """Return the token."""
        return f"{self.combination}:{self.activation}"


@dataclass(frozen=True, slots=True)
class Step:
    """One value of a cell.

    Attributes:
        operation: What is computed.
        left: Number of the step it reads first.
        right: Number of the step it reads second, or ``CELL_STATE``.
    """

    operation: Operation
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class CellDescription:
    """How a cell computes h_t and c_t of x_t, h_{t-1} and c_{t-1}: steps in an order that can be computed.

    The first steps are the leaves. Leaf k combines two projections of its own, ``W x_t`` and ``U h_{t-1}``,
    and these are all the parameters there are. Every later step reads two earlier ones, or one and
    c_{t-1}. The last step is h_t. The steps are a tree: each value, and c_{t-1}, is read at most once.

    Attributes:
        leaves: The operations of the leaves.
        steps: The other steps; their numbers go on after those of the leaves.
        read: Number of the step whose value before its activation is c_t.
    """

    leaves: tuple[Operation, ...]
    steps: tuple[Step, ...]
    read: int

    def __post_init__(self) -> None:
        """Refuse what is no tree.

        Raises:
            InvalidArgumentError: If a step reads a later one, or a value is read twice or never.
        """
        count = len(self.leaves) + len(self.steps)
        operands: list[int] = []
        for number, step in enumerate(self.steps, len(self.leaves)):
            if not (0 <= step.left < number and CELL_STATE <= step.right < number):
                raise InvalidArgumentError(
                    f"step {number} must read two of the steps 0 to {number - 1}, or one and then "
                    f"CELL_STATE, got {step.left} and {step.right}"
                )
            operands += [step.left, step.right]
        if len(set(operands)) != len(operands):
            raise InvalidArgumentError(f"each value may be read once, the operands are {operands}")
        if not 0 <= self.read < count:
            raise InvalidArgumentError(f"c_t must be read from one of {count} steps, got {self.read}")
        if not set(range(count - 1)) <= set(operands):
            raise InvalidArgumentError(f"each step but the last must be read, the operands are {operands}")

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of all steps, those of the leaves first."""
        return (*self.leaves, *(step.operation for step in self.steps))

    @property
    def leaf_order(self) -> tuple[int, ...]:
        """The leaves in the order of their rows in weight matrices: those that add, then the others."""
        return tuple(sorted(range(len(self.leaves)), key=lambda leaf: self.leaves[leaf].combination != "add"))

    def parameters(self, inputs: int, units: int, bias: bool = False) -> int:
        """Count the weights of all leaves, and the biases if there are any; a leaf has ``units`` outputs."""
        return len(self.leaves) * units * (inputs + units + bias)


@lru_cache(maxsize=4096)
def describe(tokens: tuple[str, ...]) -> CellDescription:
    """Read the cell that the token names of a complete sentence stand for.

    The base is half the length, less one. What is injected into a leaf is a step after all leaves, so that
    these keep their numbers; what is injected into another node is the step behind it.
    """
    base = len(tokens) // 2 - 1
    *nodes, inject = (operation_of(token) for token in tokens[: 2 * base])
    read, enter = (node_of(token) for token in tokens[2 * base :])
    number_of = {node: node for node in range(base)}  # the step that gives a node's value
    written = {node: node for node in range(base)}  # the step before injection
    steps: list[Step] = []

    def append(operation: Operation, left: int, right: int) -> int:
        steps.append(Step(operation, left, right))
        return base + len(steps) - 1

    if enter < base:
        number_of[enter] = append(inject, enter, CELL_STATE)
    for node in range(base, 2 * base - 1):
        left, right = (number_of[child] for child in children_of(node, base))
        written[node] = number_of[node] = append(nodes[node], left, right)
        if node == enter:
            number_of[node] = append(inject, written[node], CELL_STATE)
    return CellDescription(tuple(nodes[:base]), tuple(steps), written[read])


def children_of(node: int, base: int) -> tuple[int, int]:
    """Return the two nodes that an inner node of a tree with ``base`` leaves reads."""
    return 2 * (node - base), 2 * (node - base) + 1


def operation_of(token: str) -> Operation:
    """Read an operation's token, the inverse of ``str``."""
    combination, _, activation = token.partition(":")
    return Operation(combination, activation)


def node_of(token: str) -> int:
    """Read the number in an index token, for example 12 of ``node-12``."""
    return int(token.removeprefix("node-"))


def units_for(parameters: int, count: Callable[[int], int]) -> int:
    """Return the number of units with which a network comes closest to a number of parameters.

    Args:
        parameters: How many there should be.
        count: From units to parameters, ascending; for example
            ``lambda units: layers * cell.parameters(units, units)``, or the count of a whole language model.

    Raises:
        InvalidArgumentError: If one unit makes more than that already.
    """
    if count(1) > parameters:
        raise InvalidArgumentError(f"one unit makes {count(1)} parameters, there may be {parameters}")
    low, high = 1, 2
    while count(high) <= parameters:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= parameters else (low, middle)
    return low if parameters - count(low) <= count(high) - parameters else high
