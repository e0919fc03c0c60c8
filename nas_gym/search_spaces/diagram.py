"""What a drawing of a network is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """One box of a network's drawing.

    Attributes:
        label: The text beside the box.
        units: How many units to draw, or ``None`` for a plain box.
        inputs: Indices of the blocks it reads; ``-1`` is the network's input.
        dense: Whether each unit reads all units of its inputs, or only the one beside it.
        place: Column and height (-1 to 1) where it stands; by default in a column of its own, at height 0.
    """

    label: str
    units: int | None
    inputs: tuple[int, ...]
    dense: bool
    place: tuple[float, float] | None = None
