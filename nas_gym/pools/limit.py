"""How long an item of a pool may take."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from nas_gym.checks import number

Limit: TypeAlias = float | Callable[[Any], float | None] | None
"""Longest time an item may take in seconds, or what says it of an item; ``None`` for no limit."""


def checked(limit: Limit) -> Limit:
    """Return a limit with a plain number.

    Raises:
        InvalidArgumentError: If it is none.
    """
    if limit is None or callable(limit):
        return limit
    return number("timeout_seconds", limit, "a positive number or None", above=0)


def seconds_of(limit: Limit, item: object) -> float:
    """Return how many seconds an item may take, as it is known now; infinite for no limit."""
    seconds = limit(item) if callable(limit) else limit
    return math.inf if seconds is None else seconds
