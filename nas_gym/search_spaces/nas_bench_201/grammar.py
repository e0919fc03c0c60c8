"""Grammar of ``nas-bench-201-v0``: one operation for each edge of a cell of four nodes."""

import re
from collections.abc import Sequence
from typing import ClassVar

from nas_gym.checks import choice, distinct
from nas_gym.errors import InvalidArchitectureError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.ranked import RankedSpace

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))
"""Target and source node of each edge, in the order of the tokens."""

# Where an edge's operation and a node are drawn: column, height.
EDGE_PLACES = ((0.0, 0.0), (1.0, -0.7), (2.0, 0.0), (2.0, 0.75), (3.0, -0.7), (4.0, 0.0))
NODE_PLACES = ((-1.0, 0.0), (1.0, 0.0), (3.0, 0.0), (5.0, 0.0))


class NasBench201Space(RankedSpace):
    """The cells of NAS-Bench-201 (Dong & Yang 2020, https://arxiv.org/abs/2001.00326).

    A cell has four nodes. Node 0 is its input; every other node is the sum of the edges that reach it
    from earlier nodes, and node 3 is the output. A sentence has six tokens, the operations of the edges
    1<-0, 2<-0, 2<-1, 3<-0, 3<-1 and 3<-2, named as in the benchmark; there is no end token. With all five
    operations there are 15,625 cells, some of which compute the same. Their results are looked up in a table:
    there is no network to build.

    Args:
        operations: Operations that may be used, out of ``OPERATIONS``.

    Raises:
        InvalidArgumentError: If an operation is unknown or comes twice, or there is none.
    """

    id: ClassVar[str] = "nas-bench-201-v0"

    def __init__(self, operations: Sequence[str] = OPERATIONS) -> None:
        names = distinct("operations", operations, "names")
        self.tokens = tuple(choice("operations", name, OPERATIONS) for name in names)
        self.end_token = None
        self.max_length = len(EDGES)

    @property
    def arguments(self) -> dict[str, object]:
        """The operations."""
        return {"operations": list(self.tokens)}

    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Lay out the cell: operations on its edges, sums at its nodes; nobody reads a ``none``."""
        blocks: list[Block] = []
        nodes = {0: -1}
        for target in range(1, len(NODE_PLACES)):
            summands = []
            for token, (to, source), place in zip(tokens, EDGES, EDGE_PLACES, strict=False):
                if to == target:
                    if token != "none":
                        summands.append(len(blocks))
                    blocks.append(Block(token, None, (nodes[source],), dense=False, place=place))
            if len(tokens) > EDGES.index((target, 0)):
                nodes[target] = len(blocks)
                blocks.append(Block("+", None, tuple(summands), dense=False, place=NODE_PLACES[target]))
        return tuple(blocks)


def to_official(architecture: Architecture) -> str:
    """Return a cell as NAS-Bench-201 writes it: ``"|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"``."""
    nodes: dict[int, str] = {}
    for name, (target, source) in zip(architecture.tokens, EDGES, strict=True):
        nodes[target] = nodes.get(target, "|") + f"{name}~{source}|"
    return "+".join(nodes.values())


def from_official(text: str) -> Architecture:
    """Read a cell as NAS-Bench-201 writes it, the inverse of ``to_official``.

    Raises:
        InvalidArchitectureError: If the text is no such cell.
    """
    architecture = Architecture(NasBench201Space.id, tuple(re.findall(r"\|(\w+)(?=~)", text)))
    names = architecture.tokens
    if len(names) != len(EDGES) or set(names) - set(OPERATIONS) or to_official(architecture) != text:
        raise InvalidArchitectureError(
            f"{text!r} is no cell of NAS-Bench-201; it looks like |op~0|+|op~0|op~1|+|op~0|op~1|op~2| "
            f"with the operations {', '.join(OPERATIONS)}"
        )
    return architecture
