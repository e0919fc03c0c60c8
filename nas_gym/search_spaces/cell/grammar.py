"""Grammar of ``cell-v0``: tokens of recurrent cells, and where they may stand."""

from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

from nas_gym.checks import boolean, choice, distinct, integer
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Module, NetworkSize
from nas_gym.search_spaces.cell.canonical import canonical_tokens
from nas_gym.search_spaces.cell.description import (
    ACTIVATIONS,
    COMBINATIONS,
    UNCHANGED,
    Operation,
    children_of,
    describe,
    node_of,
    operation_of,
    written_out,
)
from nas_gym.search_spaces.cell.growth import GROWTHS, growth_of
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.ranked import RankedSpace

MAX_BASE = 32
PAPERS = ("add", "elem_mult")
"""The combinations of Zoph & Le 2016."""
GrowthLimit = Literal["any", "linear", "bounded"]
SIGNS = {"add": "+", "elem_mult": "×", "left": "", "gate": "gate c(t-1)"}  # noqa: RUF001 - the sign of multiplication is meant


class CellSpace(RankedSpace):
    """Recurrent cells as trees: Zoph & Le 2016, https://arxiv.org/abs/1611.01578, section 3.4.

    A cell computes h_t and c_t of x_t, h_{t-1} and c_{t-1}. It is a full binary tree whose nodes are numbered
    level by level, its ``base`` leaves first and the root last. Leaf k combines ``W x_t`` and ``U h_{t-1}``,
    with matrices of its own; node ``base + m`` combines the nodes 2m and 2m + 1 and has no parameters. Each
    node then applies its activation, and h_t is the root's value.

    A sentence has ``2 * base + 2`` tokens: one for each node in the order of their numbers, for example
    ``add:tanh`` or ``elem_mult:identity``; one such token for the injection of c_{t-1}; and two nodes, for
    example ``node-12 node-8``: the one that c_t is read from, and the one that c_{t-1} enters. There c_{t-1}
    is combined with the node's value, the injection's activation is applied, and whoever reads the node
    reads the result. c_t is a node's value before its activation.

    The paper leaves two corners open, decided here: injected into the root, the result is h_t; and c_t read
    from the node that c_{t-1} enters is that node's own combination, before its activation and the
    injection. The paper writes two tokens for a node, a combination and an activation; here they are one,
    and the numbers of cells are the same: 36,864 for base 2 and 63,331,869,759,897,600 for base 8.

    Two combinations and a bias, which the paper does not have, make room for a gated recurrent unit (Cho et
    al. 2014, https://arxiv.org/abs/1406.1078) and its like. ``left`` is the left operand alone: ``W x_t`` in
    a leaf, the left child's value in another node, no c_{t-1} in an injection; what nobody reads then is not
    computed and has no parameters. ``gate``, of nodes above the leaves, is the right child's value by the
    share that the left child's says, a sigmoid whatever its token names, and c_{t-1} by the rest.

    Args:
        base: Number of leaves: 2, 4, 8, 16 or 32.
        growth: How fast the state of a cell that is trained may grow, see ``growth_of``. Of the paper's
            cells of base 8 ``"linear"`` refuses a tenth, whose training may explode, ``"bounded"`` three
            tenths, the LSTM among them. Only a whole sentence tells, so it is refused and not made illegal.
        combinations: Some of ``add``, ``elem_mult``, ``left`` and ``gate``, not the last alone.
        bias: Whether each leaf adds a bias to ``W x_t``.

    Raises:
        InvalidArgumentError: If an argument is another one.
    """

    id: ClassVar[str] = "cell-v0"
    reads_sequences: ClassVar[bool] = True

    def __init__(
        self,
        base: int = 8,
        growth: GrowthLimit = "any",
        combinations: Sequence[str] = PAPERS,
        bias: bool = False,
    ) -> None:
        base = integer("base", base, 2, MAX_BASE)
        if base & (base - 1):
            raise InvalidArgumentError(f"base must be a power of two from 2 to {MAX_BASE}, got {base}")
        nodes = 2 * base - 1
        self.base = base
        self.growth = choice("growth", growth, get_args(GrowthLimit))
        named = [
            choice("combinations", name, COMBINATIONS) for name in distinct("combinations", combinations)
        ]
        if named == ["gate"]:
            raise InvalidArgumentError("combinations must hold one that leaves can have, got ['gate']")
        self.combinations = tuple(name for name in COMBINATIONS if name in named)
        self.bias = boolean("bias", bias)
        operations = [str(Operation(c, a)) for c in self.combinations for a in ACTIVATIONS]
        self.tokens = (*operations, *(f"node-{node}" for node in range(nodes)))
        self.end_token = None
        self.max_length = nodes + 3
        self._operations = len(operations)

    @property
    def arguments(self) -> dict[str, object]:
        """What makes the language and the networks; refusing some cells does neither."""
        others: dict[str, object] = {"bias": True} if self.bias else {}
        if self.combinations != PAPERS:
            others["combinations"] = list(self.combinations)
        return {"base": self.base, **others}

    @property
    def variant(self) -> str:
        """Whether leaves have biases, of which sentences say nothing."""
        return "bias" if self.bias else ""

    def layers_at(self, position: int) -> range:
        """Return the tokens that may stand at a position: operations, gates above leaves alone; or nodes."""
        nodes = 2 * self.base - 1
        if position > nodes:
            return range(self._operations, len(self.tokens))
        if self.base <= position < nodes:
            return range(self._operations)
        return range(self._operations - len(ACTIVATIONS) * ("gate" in self.combinations))

    def check_inputs(self, inputs: tuple[int, ...]) -> None:
        """Refuse what is not the number of features of x_t.

        Raises:
            InvalidArgumentError: If there is not one axis of features.
        """
        if len(inputs) != 1:
            raise InvalidArgumentError(
                f"{self.id} needs one axis of features in each time step, got the shape {tuple(inputs)}"
            )

    def refuses(self, architecture: Architecture) -> str | None:
        """Refuse a cell whose state grows faster than ``growth`` allows."""
        if self.growth == "any":
            return None
        growth = growth_of(describe(architecture.tokens))
        if GROWTHS.index(growth) <= GROWTHS.index(self.growth):
            return None
        return f"the growth of its state is {growth}, at most {self.growth} is allowed"

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the same cell with children in a fixed order, and what nobody reads in fixed words."""
        return Architecture(self.id, canonical_tokens(architecture.tokens))

    def size(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> NetworkSize:
        """Count the parameters of a layer; in a time step each weight is multiplied once.

        Args:
            architecture: A cell.
            inputs: Number of features of x_t, ``(features,)``.
            outputs: Number of units: values of h_t, and of c_t.
        """
        (features,) = inputs
        cell = describe(architecture.tokens)
        weights = cell.parameters(features, outputs)
        return NetworkSize(cell.parameters(features, outputs, self.bias), weights)

    def build(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> Module:
        """Build a layer of such cells, a ``CellLayer``; arguments as ``size`` has them."""
        from nas_gym.search_spaces.cell.network import CellLayer

        (features,) = inputs
        return CellLayer(describe(architecture.tokens), features, outputs, self.bias)

    @property
    def drawing_ends(self) -> tuple[str, str]:
        """What a cell reads in a time step, and what the language model around it answers."""
        return "x(t)\nh(t-1)", "next\ntoken"

    @property
    def drawing_columns(self) -> int:
        """How many columns a drawing takes: two for each level, and one for h_t."""
        return 2 * self.base.bit_length() + 1

    @property
    def drawing_rows(self) -> int:
        """How many blocks stand above one another: the leaves."""
        return self.base

    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Draw the tree, leaves on the left; where c_{t-1} enters and c_t leaves as soon as that is known.

        What nobody reads in a whole cell is drawn as ``written_out`` has it.
        """
        base, nodes = self.base, 2 * self.base - 1
        if len(tokens) == self.max_length:
            tokens = written_out(tuple(tokens))
        operations = [operation_of(token) for token in tokens[: nodes + 1]]
        read, enter = ([node_of(token) for token in tokens[nodes + 1 :]] + [-1, -1])[:2]
        blocks: list[Block] = []
        shown: list[int] = []  # for each node, the block that gives its value

        def draw(label: str, inputs: tuple[int, ...], column: float, height: float) -> int:
            blocks.append(Block(label, None, inputs, dense=False, place=(column, height)))
            return len(blocks) - 1

        for node, operation in enumerate(operations[:nodes]):
            column, height = _place(node, base)
            alone = operation.combination == "left"
            sources = (-1,) if node < base else tuple(shown[child] for child in children_of(node, base))
            label = _label(operation, "x(t)" if alone and node < base else "")
            shown.append(draw(f"{node}\n{label}", sources[:1] if alone else sources, column, height))
            if node == read:
                # Edges run towards the sibling; the other side is free.
                beside = min(1.6 / base, 0.45) * (-1 if node % 2 else 1)
                draw("c(t)", (shown[node],), column + 0.9, height + beside)
            if node == enter and operations[nodes] != UNCHANGED:
                entering = "" if operations[nodes].combination == "left" else "c(t-1)\n"
                label = f"{entering}{_label(operations[nodes])}"
                shown[node] = draw(label, (shown[node],), column + 0.9, height)
        if len(tokens) == self.max_length:
            draw("h(t)", (shown[-1],), self.drawing_columns - 1, 0.0)
        return tuple(blocks)


def _place(node: int, base: int) -> tuple[float, float]:
    """Return column and height of a node: leaves evenly spaced, other nodes half-way between two."""
    if node < base:
        return 0.5, 1.0 - (2 * node + 1) / base
    (column, above), (_, below) = (_place(child, base) for child in children_of(node, base))
    return column + 1.9, (above + below) / 2


def _label(operation: Operation, alone: str = "") -> str:
    sign = SIGNS[operation.combination] or alone
    activation = "" if sign and operation.activation == "identity" else operation.activation
    return f"{activation} {sign}".strip()
