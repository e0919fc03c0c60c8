"""Keywords that belong to a part: a value, a name, or a mapping of that part's own keywords."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from nas_gym.errors import InvalidArgumentError

Made = TypeVar("Made")
REQUIRED = "required"
"""What stands for the default of a keyword that has none."""


def keywords_of(function: Callable[..., object]) -> dict[str, object]:
    """Return the keywords of a function or class with their defaults, ``REQUIRED`` where there is none."""
    if isinstance(function, type):
        function = function.__init__  # type: ignore[misc] # a class is called by its constructor's keywords
    code = getattr(function, "__code__", None)
    if code is None:  # a class without arguments
        return {}
    positional = code.co_varnames[: code.co_argcount]
    named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    defaults = dict(zip(reversed(positional), reversed(function.__defaults__ or ()), strict=False))
    defaults |= function.__kwdefaults__ or {}
    return {name: defaults.get(name, REQUIRED) for name in named if name != "self"}


def choose(
    part: str,
    given: object,
    choices: Mapping[str, Callable[..., Made]],
    default: str,
    kinds: type | tuple[type, ...] = (),
) -> Made:
    """Make a part of what was given for it.

    Args:
        part: Its keyword, for example ``"space"``.
        given: ``None`` for the default, a name, a mapping of keywords with ``name`` among them if it is not
            the default's, or a value that is one already.
        choices: What makes each of those there are, called with its own keywords.
        default: Name of the one that is not asked for.
        kinds: Types of values that are one already.

    Raises:
        InvalidArgumentError: If a name or a keyword is unknown, or a required one is missing.
    """
    if kinds and isinstance(given, kinds):
        return given  # type: ignore[return-value] # the caller says what is one
    keywords = dict(given) if isinstance(given, Mapping) else {}
    name = keywords.pop("name", default) if given is None or isinstance(given, Mapping) else given
    if not isinstance(name, str) or name not in choices:
        also = f", or a value of {_listed(kinds)}" if kinds else ""
        raise InvalidArgumentError(f"unknown {part} {name!r}; there are {', '.join(choices)}{also}")
    make = choices[name]
    known = keywords_of(make)
    check_known(f"{part} {name}", keywords, known)
    missing = [key for key, value in known.items() if value is REQUIRED and key not in keywords]
    if missing:
        raise InvalidArgumentError(
            f"{part} {name} needs the keyword {missing[0]!r}; it has {', '.join(known)}"
        )
    return make(**keywords)


def check_known(what: str, given: Mapping[str, object], known: Mapping[str, object]) -> None:
    """Refuse keywords that are not among those there are.

    Raises:
        InvalidArgumentError: If one is not.
    """
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InvalidArgumentError(
            f"{what} has no keyword {unknown[0]!r}; it has {', '.join(known) or 'none'}"
        )


def _listed(kinds: type | tuple[type, ...]) -> str:
    each = kinds if isinstance(kinds, tuple) else (kinds,)
    return " or ".join(kind.__name__ for kind in each)
