"""Frozen descriptions of recurrent cells: from token names to the steps that compute a cell."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from nas_gym.errors import InvalidArgumentError

COMBINATIONS = ("add", "elem_mult", "left", "gate")
"""Of a and b: a + b, a b, a alone, and a b + (1 - a) c_{t-1}; the last has no leaf and no injection."""
LEAF_ORDER = COMBINATIONS[:3]
"""Those of leaves, as these follow one another in weight matrices."""
ACTIVATIONS = ("identity", "tanh", "sigmoid", "relu")
CELL_STATE = -1
"""What a step names as its right operand to read c_{t-1}."""
NOTHING = -2
"""What a step names as its right operand that reads its left one alone."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands are combined element by element, and an activation is applied: ``add:tanh``."""

    combination: str
    activation: str

    @property
    def commutes(self) -> bool:
        """Whether its operands may be swapped."""
        return self.combination in ("add", "elem_mult")

    def __str__(self) -> str:
        """Return the token."""
        return f"{self.combination}:{self.activation}"


UNCHANGED = Operation("left", "identity")
"""The left operand as it is: as an injection, what leaves c_{t-1} out."""


@dataclass(frozen=True, slots=True)
class Step:
    """One value of a cell.

    Attributes:
        operation: What is computed.
        left: Number of the step it reads first.
        right: Number of the step it reads second, ``CELL_STATE`` or ``NOTHING``.
    """

    operation: Operation
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class CellDescription:
    """How a cell computes h_t and c_t of x_t, h_{t-1} and c_{t-1}: steps in an order that can be computed.

    The first steps are the leaves. Leaf k combines two projections of its own, ``W x_t`` and ``U h_{t-1}``,
    or has the former alone; these are all the parameters there are. Every later step reads an earlier one,
    two, or one and c_{t-1}; a gate reads two, of which the left one is a share, and c_{t-1}. The last step is
    h_t. The steps are a tree: each value is read at most once, and so is c_{t-1} but for gates.

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
            InvalidArgumentError: If a step reads a later one, a value is read twice or never, or a gate has
                no share: a left operand that is a sigmoid.
        """
        count = len(self.leaves) + len(self.steps)
        operands: list[int] = []
        if any(leaf.combination == "gate" for leaf in self.leaves):
            raise InvalidArgumentError("a leaf cannot be a gate: it combines two projections")
        for number, step in enumerate(self.steps, len(self.leaves)):
            if not (0 <= step.left < number and NOTHING <= step.right < number):
                raise InvalidArgumentError(
                    f"step {number} must read two of the steps 0 to {number - 1}, or one and then "
                    f"CELL_STATE or NOTHING, got {step.left} and {step.right}"
                )
            operands += [step.left, *([] if step.right == NOTHING else [step.right])]
            if (step.right == NOTHING) != (step.operation.combination == "left"):
                raise InvalidArgumentError(
                    f"step {number} must read NOTHING if, and only if, it has left alone"
                )
            if step.operation.combination == "gate" and (
                step.right == CELL_STATE or self.operations[step.left].activation != "sigmoid"
            ):
                raise InvalidArgumentError(f"step {number} must read a sigmoid and a step: it is a gate")
        if len(set(operands)) != len(operands):
            raise InvalidArgumentError(f"each value may be read once, the operands are {operands}")
        if not 0 <= self.read < count:
            raise InvalidArgumentError(f"c_t must be read from one of {count} steps, got {self.read}")
        if not set(range(count - 1)) <= {*operands, self.read}:
            raise InvalidArgumentError(f"each step but the last must be read, the operands are {operands}")

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of all steps, those of the leaves first."""
        return (*self.leaves, *(step.operation for step in self.steps))

    @property
    def leaf_order(self) -> tuple[int, ...]:
        """The leaves in the order of their rows in weight matrices: see ``LEAF_ORDER``."""
        places = [LEAF_ORDER.index(leaf.combination) for leaf in self.leaves]
        return tuple(sorted(range(len(places)), key=places.__getitem__))

    @property
    def reading_state(self) -> int:
        """How many leaves read h_{t-1}; they are the first of ``leaf_order``."""
        return sum(leaf.combination != "left" for leaf in self.leaves)

    def parameters(self, inputs: int, units: int, bias: bool = False) -> int:
        """Count the weights of all leaves, and the biases if there are any; a leaf has ``units`` outputs."""
        return units * (len(self.leaves) * (inputs + bias) + self.reading_state * units)


@lru_cache(maxsize=4096)
def describe(tokens: tuple[str, ...]) -> CellDescription:
    """Read the cell that the token names of a complete sentence stand for.

    The base is half the length, less one. What is injected into a leaf is a step after all leaves, so that
    these keep their numbers; what is injected into another node is the step behind it. Steps that nobody
    reads are left out.
    """
    base, tokens = len(tokens) // 2 - 1, written_out(tokens)
    *nodes, inject = (operation_of(token) for token in tokens[: 2 * base])
    read, enter = (node_of(token) for token in tokens[2 * base :])
    number_of = {node: node for node in range(base)}  # the step that gives a node's value
    written = {node: node for node in range(base)}  # the step before injection
    steps: list[Step] = []

    def append(operation: Operation, left: int, right: int) -> int:
        if operation == UNCHANGED and right == CELL_STATE:
            return left
        steps.append(Step(operation, left, NOTHING if operation.combination == "left" else right))
        return base + len(steps) - 1

    if enter < base:
        number_of[enter] = append(inject, enter, CELL_STATE)
    for node in range(base, 2 * base - 1):
        left, right = (number_of[child] for child in children_of(node, base))
        written[node] = number_of[node] = append(nodes[node], left, right)
        if node == enter:
            number_of[node] = append(inject, written[node], CELL_STATE)
    return _pruned(nodes[:base], steps, written[read])


def _pruned(leaves: Sequence[Operation], steps: Sequence[Step], read: int) -> CellDescription:
    """Return the cell without steps that are not read."""
    needed = {len(leaves) + len(steps) - 1, read}
    for number, step in reversed(list(enumerate(steps, len(leaves)))):
        if number in needed:
            needed |= {step.left, step.right} - {CELL_STATE, NOTHING}
    number_of = {old: new for new, old in enumerate(sorted(needed))}
    return CellDescription(
        tuple(leaf for number, leaf in enumerate(leaves) if number in needed),
        tuple(
            Step(step.operation, number_of[step.left], number_of.get(step.right, step.right))
            for number, step in enumerate(steps, len(leaves))
            if number in needed
        ),
        number_of[read],
    )


def written_out(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Return the sentence in which all that makes no difference is written in one way.

    The activation of what a gate reads as its share is a sigmoid. A node that neither h_t nor c_t depends on
    is ``UNCHANGED``, and so is an injection that changes nothing, into the root. The node that c_t is read
    from has no activation if h_t does not depend on it, and is the root if c_{t-1} makes no difference.
    """
    base = len(tokens) // 2 - 1
    root = 2 * base - 2
    read, enter = (node_of(name) for name in tokens[root + 2 :])
    *nodes, inject = (operation_of(token) for token in tokens[: root + 2])
    for node in range(base, root + 1):
        share, _ = children_of(node, base)
        if nodes[node].combination == "gate" and share == enter:
            inject = replace(inject, activation="sigmoid")  # the injection makes the share's value
        elif nodes[node].combination == "gate":
            nodes[share] = replace(nodes[share], activation="sigmoid")
    values = _read(nodes, base, {root})
    gates = any(nodes[node].combination == "gate" for node in values)
    if not gates and (enter not in values or inject.combination == "left"):
        read = root
    above, values = values, _read(nodes, base, {root, read})
    if read not in above:
        nodes[read] = replace(nodes[read], activation="identity")
    named = [str(nodes[node] if node in values else UNCHANGED) for node in range(root + 1)]
    if inject == UNCHANGED or enter not in values or (enter == read and read not in above):
        inject, enter = UNCHANGED, root
    return (*named, str(inject), f"node-{read}", f"node-{enter}")


def _read(nodes: Sequence[Operation], base: int, first: Collection[int]) -> set[int]:
    """Return nodes and those that they depend on."""
    values = set(first)
    for node in range(2 * base - 2, base - 1, -1):
        if node in values:
            left, right = children_of(node, base)
            values |= {left} if nodes[node].combination == "left" else {left, right}
    return values


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
