"""What came instead of a result."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Fault:
    """What came instead of a result, when a worker was lost."""

    kind: Literal["timed_out", "died"]
    reason: str
    """In words, for example ``"stopped after 5 seconds"``."""
    seconds: float
    """How long was worked on the item, in all tries."""
