"""From a search to the training of what it found: with which keywords, and beside which references."""

import inspect
from collections.abc import Mapping, Sequence
from functools import partial
from pkgutil import resolve_name
from typing import Any

from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.assembly import Parts
from nas_gym.problems.specs import PROBLEMS, Problem
from nas_gym.search_spaces import SEARCH_SPACES, Architecture
from nas_gym.studies.retraining import REFERENCE, Model, Schooling
from nas_gym.tasks.module_size import module_size


def retraining_keywords(
    problem: str, searched: Mapping[str, Any], given: Mapping[str, Any], searched_in: str | None = None
) -> dict[str, Any]:
    """Return the keywords of ``assemble`` to train the networks of a search with.

    They are those of the search, then all the data and the longer recipe that the problem has for this,
    then those that are given. A recipe that is named now, ``recipe="paper"``, goes before the first two; one
    that was named for the search stays.
    Networks that were found in another environment bring the keywords of their search space along, and no
    others: data and recipe are those of the problem.

    Args:
        problem: Id of the environment to train in.
        searched: Keywords of the search.
        given: Those that replace either.
        searched_in: Id of the environment of the search, by default the same.

    Raises:
        InvalidArgumentError: If an environment is unknown or trains nothing, or their search spaces differ.
    """
    problem = problem.removeprefix("nas_gym:")
    spec, source = _trained(problem), _trained((searched_in or problem).removeprefix("nas_gym:"))
    if spec.search_space != source.search_space:
        raise InvalidArgumentError(
            f"{problem} has the search space {spec.search_space}, the networks are of {searched_in}, "
            f"which has {source.search_space}"
        )
    if spec is not source:
        space = inspect.signature(SEARCH_SPACES[spec.search_space]).parameters
        own = {
            name: space[name].default for name in spec.defaults if name in space
        }  # instead of the problem's
        searched = {n: value for n, value in {**own, **source.defaults, **searched}.items() if n in space}
    if "recipe" in given:
        named = spec.recipes.get(str(given["recipe"]), {})
        return {**{n: value for n, value in searched.items() if n not in named}, **given}
    return {**searched, **({} if "recipe" in searched else spec.retraining), **given}


def _trained(problem: str) -> Problem:
    if problem not in PROBLEMS:
        raise InvalidArgumentError(f"unknown environment {problem!r}; there are {', '.join(PROBLEMS)}")
    if PROBLEMS[problem].table is not None:
        raise InvalidArgumentError(f"{problem} looks its children up in a table, there is nothing to retrain")
    return PROBLEMS[problem]


def schooling_of(parts: Parts, device: str = "cpu") -> Schooling:
    """Return what networks are trained with again.

    Raises:
        InvalidArgumentError: If there is no such device, or the recipe suits neither it nor the data.
    """
    assert parts.data is not None and parts.training is not None
    return Schooling(parts.data, parts.training, resolve_name(parts.task), device)


def found_models(parts: Parts, names: Sequence[str]) -> list[Model]:
    """Return networks by their texts.

    Raises:
        InvalidArchitectureError: If a text names no network of the search space.
    """
    assert parts.build is not None and parts.network_size is not None
    models = []
    for name in names:
        architecture = parts.search_space.parse(name)
        build = partial(parts.build, architecture)
        models.append(Model(architecture, build, parts.network_size(architecture) or _measured(parts, build)))
    return models


def reference_models(parts: Parts, beside: Model) -> list[Model]:
    """Return hand-designed networks to compare with a found one.

    Raises:
        InvalidArgumentError: If one should have as many parameters and cannot have that few.
    """
    assert parts.references is not None and beside.size is not None
    return [
        Model(Architecture(REFERENCE, (each.name,)), each.build, each.size or _measured(parts, each.build))
        for each in parts.references(beside.size.parameters)
    ]


def _measured(parts: Parts, build: Any) -> Any:  # noqa: ANN401
    assert parts.dataset is not None, "the size of a language model follows from its description"
    return module_size(build(), parts.dataset.train.features.shape[1:])
