"""Puts concrete search spaces, data sets and evaluators together: the only file that names them.

Nothing heavy is imported before an environment is made.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import gymnasium as gym

from nas_gym.datasets import DATASETS, Dataset
from nas_gym.envs.nas_env import NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluation import EVALUATORS, Evaluator, TrainingRecipe
from nas_gym.evaluation.cached import CachedEvaluator, StoredEvaluator
from nas_gym.evaluation.store import EvaluationStore
from nas_gym.rewards import Reward, get_reward
from nas_gym.search_spaces import SEARCH_SPACES, Architecture, SearchSpace


@dataclass(frozen=True)
class Problem:
    """What an environment id stands for.

    Attributes:
        dataset: Id in ``DATASETS``.
        search_space: Id in ``SEARCH_SPACES``.
        network: Name of the function that builds the module of an architecture.
        evaluators: Ids in ``EVALUATORS``, the default first.
    """

    dataset: str
    search_space: str
    network: str
    evaluators: tuple[str, ...]


PROBLEMS: dict[str, Problem] = {
    "NAS-Moons-v0": Problem(
        "moons-v0", "mlp-v0", "nas_gym.search_spaces.mlp.network:build", ("fused", "local")
    ),
    "NAS-Tabular-v0": Problem(
        "tabular", "mlp-v0", "nas_gym.search_spaces.mlp.network:build", ("fused", "local")
    ),
}


@dataclass(frozen=True, eq=False)
class Parts:
    """The collaborators of one environment, put together from its id and keywords.

    Attributes:
        search_space: What may be built.
        dataset: What is to be learned, its test part included: for retraining after the search.
        recipe: How a child is trained.
        build: Makes the module of an architecture; imports PyTorch when called.
        evaluator: What a child is worth; the test part is out of its reach.
        env_options: Keywords of ``NasEnv``.
    """

    search_space: SearchSpace
    dataset: Dataset
    recipe: TrainingRecipe
    build: Callable[[Architecture], Any]
    evaluator: Evaluator
    env_options: dict[str, Any]


def register_all() -> None:
    """Register every id with Gymnasium."""
    for env_id in PROBLEMS:
        gym.register(
            env_id,
            entry_point="nas_gym.envs.registration:make_env",
            vector_entry_point="nas_gym.envs.registration:make_vector_env",
            kwargs={"problem": env_id},
        )


def make_env(problem: str, **keywords: Any) -> NasEnv:  # noqa: ANN401, passed on to typed signatures
    """Make the environment of an id; keywords as in ``assemble``."""
    parts = assemble(problem, **keywords)
    return NasEnv(parts.search_space, parts.evaluator, **parts.env_options)


def make_vector_env(problem: str, num_envs: int, **keywords: Any) -> NasVectorEnv:  # noqa: ANN401
    """Make ``num_envs`` lanes of the environment of an id; keywords as in ``assemble``."""
    return NasVectorEnv(make_env(problem, **keywords), num_envs)


def assemble(
    problem: str,
    *,
    evaluator: str | Evaluator | None = None,
    reward: str | Reward = "validation_accuracy",
    training_seed: int = 0,
    store: str | Path | None = None,
    **keywords: Any,  # noqa: ANN401
) -> Parts:
    """Put together what an environment is made of.

    Args:
        problem: Id of the environment, with or without ``nas_gym:`` before it.
        evaluator: Id of an evaluator, or an evaluator of your own.
        reward: Name of a reward, or a function from an evaluation to a number.
        training_seed: From it and the architecture follows a child's seed.
        store: File that keeps every evaluation, see ``EvaluationStore``; children it holds are not
            trained again. ``None`` keeps them in memory.
        **keywords: Arguments of the data set, the search space, ``TrainingRecipe``, the evaluator and
            ``NasEnv``, told apart by their names.

    Raises:
        InvalidArgumentError: If an id, a name or a keyword is unknown, or a value is out of range.
        InvalidDataError: If the data set cannot be learned from.
        StoreError: If the store cannot be opened.
    """
    problem = problem.removeprefix("nas_gym:")
    if problem not in PROBLEMS:
        raise InvalidArgumentError(f"unknown environment {problem!r}; there are {', '.join(PROBLEMS)}")
    spec = PROBLEMS[problem]
    if not isinstance(store, (str, Path, type(None))):
        raise InvalidArgumentError(f"store must be the name of a file or None, got {store!r}")
    if type(training_seed) is not int or training_seed < 0:
        raise InvalidArgumentError(f"training_seed must be an integer from 0, got {training_seed!r}")
    evaluator = spec.evaluators[0] if evaluator is None else evaluator
    if isinstance(evaluator, str) and evaluator not in spec.evaluators:
        raise InvalidArgumentError(
            f"unknown evaluator {evaluator!r}; {problem} has {', '.join(spec.evaluators)}"
        )
    make_dataset, make_space = resolve_name(DATASETS[spec.dataset]), SEARCH_SPACES[spec.search_space]
    makers: list[Callable[..., Any]] = [make_dataset, make_space, TrainingRecipe, NasEnv]
    if isinstance(evaluator, str):
        makers.append(resolve_name(EVALUATORS[evaluator]))
    data, space, training, env_options, *evaluating = _sort_keywords(problem, makers, keywords)
    dataset, search_space, recipe = make_dataset(**data), make_space(**space), TrainingRecipe(**training)
    build = partial(_build, spec.network, dataset.train.features.shape[1], dataset.classes)
    if isinstance(evaluator, str):
        make_evaluator = makers[-1]
        given = {"build": build} if "build" in inspect.signature(make_evaluator).parameters else {}
        trainer = make_evaluator(dataset=dataset, recipe=recipe, seed=training_seed, **given, **evaluating[0])
        evaluator = CachedEvaluator(_stored(trainer, store))
    else:
        evaluator = _stored(evaluator, store)
    return Parts(
        search_space, dataset, recipe, build, evaluator, {**env_options, "reward": get_reward(reward)}
    )


# Keywords of ``assemble`` itself.
_OWN = ("evaluator", "reward", "training_seed", "store")
# Arguments that are filled in here and cannot be given as keywords.
_FILLED_IN = {"search_space", "dataset", "recipe", "build"}


def _sort_keywords(
    problem: str, makers: list[Callable[..., Any]], keywords: dict[str, Any]
) -> list[dict[str, Any]]:
    """Give each maker the keywords that its signature names; the first that names one takes it."""
    taken: set[str] = {*_OWN, *_FILLED_IN}
    sorted_keywords: list[dict[str, Any]] = []
    required: list[str] = []
    allowed = list(_OWN)
    for maker in makers:
        parameters = inspect.signature(maker).parameters
        names = [name for name in parameters if name not in taken]
        taken.update(names)
        allowed.extend(names)
        required += [name for name in names if parameters[name].default is inspect.Parameter.empty]
        sorted_keywords.append({name: keywords[name] for name in names if name in keywords})
    unknown = sorted(set(keywords) - set(allowed))
    if unknown:
        raise InvalidArgumentError(
            f"{problem} has no keyword {unknown[0]!r}; it has {', '.join(sorted(allowed))}"
        )
    missing = [name for name in required if name not in keywords]
    if missing:
        raise InvalidArgumentError(
            f"{problem} needs the keyword {missing[0]!r}; required are {', '.join(required)}"
        )
    return sorted_keywords


def _stored(evaluator: Evaluator, store: str | Path | None) -> Evaluator:
    return evaluator if store is None else StoredEvaluator(evaluator, EvaluationStore(store))


def _build(network: str, features: int, classes: int, architecture: Architecture) -> Any:  # noqa: ANN401
    return resolve_name(network)(architecture, features, classes)
