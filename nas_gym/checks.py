"""IS THAT WHAT IT SHOULD BE? One way to check an argument: it returns a plain value or says what is allowed.

Numbers of NumPy and pandas are numbers; what is returned is Python's own, so that ids, JSON and stores hold
plain values. All errors are ``InvalidArgumentError``, one line: what came, what is allowed.
"""

import math
from collections.abc import Collection, Iterable
from operator import index
from typing import Any, TypeVar

from nas_gym.errors import InvalidArgumentError

Name = TypeVar("Name", bound=str)


def _is_boolean(value: object) -> bool:
    """Say whether a value is True or False, Python's or NumPy's, which is not imported for that."""
    return type(value).__name__ in ("bool", "bool_")


def _as_integer(value: object) -> int | None:
    if _is_boolean(value):
        return None
    try:
        return index(value)  # type: ignore[arg-type] # asks the value itself
    except TypeError:
        return None


def integer(name: str, value: object, least: int, most: int | None = None) -> int:
    """Return an integer from ``least`` to ``most``; a bool is none."""
    found = _as_integer(value)
    if found is None or found < least or (most is not None and found > most):
        raise InvalidArgumentError(f"{name} must be an integer from {least}{_to(most)}, got {value!r}")
    return found


def optional_integer(name: str, value: object, least: int, most: int | None = None) -> int | None:
    """Return an integer as ``integer`` does, or ``None``."""
    if value is None:
        return None
    found = _as_integer(value)
    if found is None or found < least or (most is not None and found > most):
        raise InvalidArgumentError(
            f"{name} must be None or an integer from {least}{_to(most)}, got {value!r}"
        )
    return found


def _to(most: int | None) -> str:
    return "" if most is None else f" to {most}"


def number(
    name: str,
    value: object,
    allowed: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> float:
    """Return a finite number within bounds.

    Args:
        name: What it is called.
        value: What came.
        allowed: What is allowed, in words, for example ``"a positive number"``.
        least: The smallest allowed value.
        most: The largest allowed value.
        above: What it must be above.
        below: What it must be below.
    """
    found = _as_number(value)
    if found is None or not (math.isfinite(found) and least <= found <= most and above < found < below):
        raise InvalidArgumentError(f"{name} must be {allowed}, got {value!r}")
    return found


def _as_number(value: object) -> float | None:
    """Return the value as Python's own number, an integer staying one; ``None`` if it is none."""
    if _is_boolean(value) or isinstance(value, (str, bytes)):
        return None
    whole = _as_integer(value)
    if whole is not None:
        return whole
    if not hasattr(value, "__float__") or getattr(value, "ndim", False):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def boolean(name: str, value: object) -> bool:
    """Return True or False, Python's or NumPy's; nothing else is taken for one."""
    if _is_boolean(value):
        return bool(value)
    raise InvalidArgumentError(f"{name} must be True or False, got {value!r}")


def choice(name: str, value: object, choices: Collection[Name]) -> Name:
    """Return one of the names there are."""
    for known in choices:
        if isinstance(value, str) and value == known:
            return known
    raise InvalidArgumentError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def distinct(name: str, values: object, what: str = "values", may_be_empty: bool = False) -> list[Any]:
    """Return a sequence as a list whose entries are all different."""
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes)):
        raise InvalidArgumentError(f"{name} must be a sequence of {what}, got {values!r}")
    found = list(values)
    twice = any(value in found[:position] for position, value in enumerate(found))
    if twice or not (found or may_be_empty):
        raise InvalidArgumentError(f"{name} must be distinct and not empty, got {found}")
    return found


def distinct_integers(
    name: str, values: object, least: int, most: int, may_be_empty: bool = False
) -> list[int]:
    """Return a sequence of different integers from ``least`` to ``most`` as a list of Python's own."""
    found = distinct(name, values, "numbers", may_be_empty)
    wrong = [v for v in found if (whole := _as_integer(v)) is None or not least <= whole <= most]
    if wrong:
        raise InvalidArgumentError(f"{name} must be integers from {least} to {most}, got {wrong[0]!r}")
    return [index(value) for value in found]


def seed(name: str, value: object, most: int = 2**32 - 1) -> int:
    """Return a seed, an integer from 0 to ``most``."""
    return integer(name, value, 0, most)
