"""Checks of arguments; the errors say in one line what came and what is allowed."""

from collections.abc import Collection

from agents.errors import InvalidArgumentError


def check_integer(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raise ``InvalidArgumentError`` but for integers from ``least`` to ``most``; a bool is none."""
    if type(value) is not int or value < least or (most is not None and value > most):
        end = "" if most is None else f" to {most}"
        raise InvalidArgumentError(f"{name} must be an integer from {least}{end}, got {value!r}")


def check_number(name: str, value: object, least: float, most: float) -> None:
    """Raise ``InvalidArgumentError`` but for numbers from ``least`` to ``most``."""
    if not isinstance(value, (int, float)) or not least <= value <= most:
        raise InvalidArgumentError(f"{name} must be a number from {least:g} to {most:g}, got {value!r}")


def check_known(what: str, name: object, known: Collection[str]) -> None:
    """Raise ``InvalidArgumentError`` but for one of the names there are."""
    if name not in known:
        raise InvalidArgumentError(f"unknown {what} {name!r}; there are {', '.join(known)}")
