"""Checks of arguments; the errors say in one line what came and what is allowed."""

from collections.abc import Collection
from operator import index

import numpy as np

from agents.errors import InvalidArgumentError


def integer(name: str, value: object, least: int, most: int | None = None) -> int:
    """Return an integer from ``least`` to ``most``, NumPy's and PyTorch's too, as Python's; a bool is none.

    Raises:
        InvalidArgumentError: If it is none.
    """
    found = None if type(value).__name__ in ("bool", "bool_") else _as_integer(value)
    if found is None or found < least or (most is not None and found > most):
        end = "" if most is None else f" to {most}"
        raise InvalidArgumentError(f"{name} must be an integer from {least}{end}, got {value!r}")
    return found


def number(name: str, value: object, least: float, most: float) -> float:
    """Return a number from ``least`` to ``most`` as Python's, an integer staying one.

    Raises:
        InvalidArgumentError: If it is none.
    """
    found: float | None = _as_integer(value)
    if found is None and isinstance(value, (float, np.floating)):
        found = float(value)
    if found is None or not least <= found <= most:
        raise InvalidArgumentError(f"{name} must be a number from {least:g} to {most:g}, got {value!r}")
    return found


def _as_integer(value: object) -> int | None:
    try:
        return index(value)  # type: ignore[arg-type] # asks the value itself
    except TypeError:
        return None


def check_known(what: str, name: object, known: Collection[str]) -> None:
    """Raise ``InvalidArgumentError`` but for one of the names there are."""
    if name not in known:
        raise InvalidArgumentError(f"unknown {what} {name!r}; there are {', '.join(known)}")
