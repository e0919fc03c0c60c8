"""Grammar of ``nas-bench-201-v0``: one operation for each edge of a cell of four nodes."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import Block
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
    operations there are 15,625 cells, some of which compute the same.

    Args:
        operations: Operations that may be used, out of ``OPERATIONS``.

    Raises:
        InvalidArgumentError: If an operation is unknown or comes twice, or there is none.
    """

    id: ClassVar[str] = "nas-bench-201-v0"

    def __init__(self, operations: Sequence[str] = OPERATIONS) -> None:
        unknown = [name for name in operations if name not in OPERATIONS]
        if unknown:
            raise InvalidArgumentError(f"unknown operation {unknown[0]!r}; there are {', '.join(OPERATIONS)}")
        if not operations or len(set(operations)) != len(operations):
            raise InvalidArgumentError(f"operations must be distinct and not empty, got {list(operations)}")
        self.tokens = tuple(operations)
        self.end_token = None
        self.max_length = len(EDGES)

    @property
    def arguments(self) -> dict[str, Any]:
        """The operations."""
        return {"operations": list(self.tokens)}

    def legal_next(self, prefix: Sequence[int]) -> NDArray[np.bool_]:
        """Say which tokens may follow: all, until there are six."""
        return np.full(len(self.tokens), len(prefix) < self.max_length)

    def legal_next_batch(self, sentences: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Answer ``legal_next`` for every row."""
        return np.repeat((lengths < self.max_length)[:, None], len(self.tokens), axis=1)

    def is_complete(self, prefix: Sequence[int]) -> bool:
        """Say whether all six edges have their operation."""
        return len(prefix) == self.max_length

    def count(self) -> int:
        """Return the number of cells."""
        return int(len(self.tokens) ** len(EDGES))

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
