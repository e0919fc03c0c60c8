"""The rungs of a problem's ladder, from what was given for them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar

from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.parts import check_known, keywords_of
from nas_gym.tasks.base import Data, Recipe, Rung, Source

Made = TypeVar("Made")
Values = Mapping[str, Any]
"""Values of a recipe, and of how much of the data it takes, by name."""
Given: TypeAlias = Made | str | Mapping[str, Any] | None
"""What may be given for a part: a value, a name, or a mapping of the part's own keywords."""
Amount = int | None | Literal["recipe"]
"""How much of a part of the data to take: a number, ``None`` for all of it, or what the recipe says."""

SEARCH, MIDDLE, FULL = "search", "middle", "full"
"""Names of what a search trains with, of what tells the best of it apart, and of the training of those."""


def ladder(
    make_recipe: Callable[..., Recipe],
    load: Callable[..., Data],
    named: Mapping[str, Values],
    recipe: str | Values | None,
    full: str | Values | None,
    amounts: Mapping[str, Amount] | None = None,
    middle: str | Values | None = None,
) -> list[Rung[Data, Recipe]]:
    """Return what a search trains with, what its best climb to, if there is that, and the full training.

    Args:
        make_recipe: The class of recipes.
        load: Loads the data, called with amounts.
        named: Values of the recipes that have a name, ``"search"`` and ``"full"`` among them, where they
            are not the defaults of ``make_recipe``.
        recipe: What a search trains with: a name, or values that replace those of ``"search"``.
        full: The full training, as ``recipe``; by default that of the name that ``recipe`` is, or ``"full"``.
        amounts: How much of the data a search takes; those with a value replace the recipe's.
        middle: What lies between, as ``recipe``; by default that of the name ``"middle"``, if there is one
            and ``recipe`` is no name.

    Raises:
        InvalidArgumentError: If a name or a value is unknown, or an amount is given twice.
    """
    amounts = amounts or {}
    known = {**keywords_of(make_recipe), **dict.fromkeys(amounts)}
    given = {name: amount for name, amount in amounts.items() if amount != "recipe"}
    name, values = _read("recipe", recipe, SEARCH, named, known)
    twice = [each for each in given if each in values]
    if twice:
        raise InvalidArgumentError(f"{twice[0]} is given twice: as a keyword and in recipe")
    searching = {**named[SEARCH], **named[name], **values, **given}
    # Whoever names a recipe for the search means it for the full training, too.
    usual = name == SEARCH
    rungs: list[Values] = [searching]
    if middle is not None or (usual and MIDDLE in named):
        between = MIDDLE if MIDDLE in named else SEARCH
        rungs.append(_above("middle", middle, between, searching, named, known))
    rungs.append(_above("full", full, FULL if usual else SEARCH, searching, named, known))
    sources: dict[tuple[object, ...], Source[Data]] = {}
    made = []
    for values in rungs:
        taken = {each: values[each] for each in amounts if each in values}
        source = sources.setdefault(tuple(taken.values()), Source(partial(load, **taken)))
        kept = {each: value for each, value in values.items() if each not in amounts}
        made.append(Rung(make_recipe(**kept), source))
    return made


def _above(
    part: str,
    given: object,
    default: str,
    searching: Values,
    named: Mapping[str, Values],
    known: Mapping[str, object],
) -> Values:
    """Return the values of a rung above the search's, whose values it has where none are its own."""
    name, values = _read(part, given, default, named, known)
    return {**searching, **({} if name == SEARCH else named[name]), **values}


def _read(
    part: str, given: object, default: str, named: Mapping[str, Values], known: Mapping[str, object]
) -> tuple[str, Values]:
    """Return the name of a recipe and the values that replace its own."""
    values = dict(given) if isinstance(given, Mapping) else {}
    name = values.pop("name", default) if given is None or isinstance(given, Mapping) else given
    if not isinstance(name, str) or name not in named:
        raise InvalidArgumentError(
            f"unknown {part} {name!r}; there are {', '.join(named)}, or a mapping of values"
        )
    check_known(part, values, known)
    return name, values
