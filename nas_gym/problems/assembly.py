"""Puts the parts of an environment together, from its id and keywords.

Nothing heavy is imported before that.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from nas_gym.datasets import CORPORA, DATASETS, Corpus, Dataset
from nas_gym.envs.nas_env import NasEnv
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators import EVALUATORS
from nas_gym.evaluators.base import Evaluator, NetworkSizeOf
from nas_gym.evaluators.cached import CachedEvaluator, StoredEvaluator
from nas_gym.evaluators.limits import SizeLimitedEvaluator
from nas_gym.memory.store import EvaluationStore
from nas_gym.memory.tables.table import Table
from nas_gym.problems.specs import PROBLEMS, Problem
from nas_gym.rewards import Reward, get_reward, reward_keywords
from nas_gym.search_spaces import SEARCH_SPACES, Architecture, SearchSpace
from nas_gym.search_spaces.references import Reference
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.supervised.recipe import TrainingRecipe


@dataclass(frozen=True, eq=False)
class Parts:
    """The collaborators of one environment, put together from its id and keywords.

    Attributes:
        search_space: What may be built.
        evaluator: What a child is worth; test data and test results are out of its reach.
        env_options: Keywords of ``NasEnv``.
        dataset: What is to be learned, its test part included: for retraining after the search. ``None``,
            as ``recipe`` and ``build``, where results come from a table.
        recipe: How a child is trained.
        corpus: Instead of ``dataset``, the text to learn language models of, its test part included.
        language_recipe: Instead of ``recipe``, how a language model is made and trained.
        build: Makes the module of an architecture; imports PyTorch when called.
        table: All results, those on test data included: for use after the search. ``None`` where children
            are trained.
        trainings: As in ``Problem``.
        costly: As in ``Problem``.
        task: Import path of the ``Task`` that data and recipe are for.
        network_size: Computes what a network costs from its description.
        references: Returns hand-designed networks to compare with a network of so many parameters.
        reference_models: Import paths of scikit-learn's models to compare with.
        evaluator_with: Makes the evaluator anew, its children kept in a store or, with ``None``, not.
    """

    search_space: SearchSpace
    evaluator: Evaluator
    env_options: dict[str, Any]
    dataset: Dataset | None = None
    recipe: TrainingRecipe | None = None
    build: Callable[[Architecture], Any] | None = None
    corpus: Corpus | None = None
    language_recipe: LanguageRecipe | None = None
    table: Table | None = None
    trainings: int = 10
    costly: bool = False
    task: str = ""
    network_size: NetworkSizeOf | None = None
    references: Callable[[int], Sequence[Reference]] | None = None
    reference_models: tuple[str, ...] = ()
    evaluator_with: Callable[[str | Path | None], Evaluator] | None = None

    @property
    def data(self) -> Dataset | Corpus | None:
        """What is to be learned, images or text; ``None`` for a table."""
        return self.dataset or self.corpus

    @property
    def training(self) -> TrainingRecipe | LanguageRecipe | None:
        """How a child is trained, whatever it learns; ``None`` for a table."""
        return self.recipe or self.language_recipe

    def with_store(self, store: str | Path) -> "Parts":
        """Return the same with a store of children.

        Raises:
            InvalidArgumentError: If results come from a table.
            StoreError: If the store cannot be opened.
        """
        if self.evaluator_with is None:
            raise InvalidArgumentError("a table holds all results, it needs no store")
        return replace(self, evaluator=self.evaluator_with(store))

    def rebuild(self, architecture: str, state: Mapping[str, Any]) -> Any:  # noqa: ANN401, a torch.nn.Module
        """Return the module of an architecture with weights that were saved.

        Args:
            architecture: Its text.
            state: The module's ``state_dict()``.
        """
        assert self.build is not None
        module = self.build(self.search_space.parse(architecture))
        module.load_state_dict(state)
        return module


def assemble(
    problem: str,
    *,
    evaluator: str | Evaluator | None = None,
    reward: str | Reward | None = None,
    **keywords: Any,  # noqa: ANN401
) -> Parts:
    """Put together what an environment is made of.

    Args:
        problem: Id of the environment, with or without ``nas_gym:`` before it.
        evaluator: Id of an evaluator, or an evaluator of your own.
        reward: Name of a reward, whose own arguments are keywords then, or a function from an evaluation
            to a number; by default the problem's own.
        **keywords: Arguments of ``NasEnv`` and, told apart by their names, of the data set, the search
            space, ``TrainingRecipe`` or ``LanguageRecipe``, and the evaluator, with ``recipe``, the name
            of values of theirs where the problem has some, with ``training_seed``, from which and the
            architecture follows a child's seed, ``store``, the file of an ``EvaluationStore``, whose
            children are not trained again, and ``max_parameters``: a larger network fails and is not
            even built; or of the function that returns the table and of
            ``TableEvaluator``.

    Raises:
        InvalidArgumentError: If an id, a name or a keyword is unknown, or a value is out of range.
        InvalidDataError: If the data set cannot be learned from.
        InvalidTableError: If the table is missing, damaged or another one.
        StoreError: If the store cannot be opened.
    """
    problem = problem.removeprefix("nas_gym:")
    if problem not in PROBLEMS:
        raise InvalidArgumentError(f"unknown environment {problem!r}; there are {', '.join(PROBLEMS)}")
    spec = PROBLEMS[problem]
    unknown = isinstance(evaluator, str) and evaluator not in spec.evaluators
    if unknown or not (isinstance(evaluator, (str, type(None))) or hasattr(evaluator, "evaluate")):
        raise InvalidArgumentError(
            f"unknown evaluator {evaluator!r}; {problem} has "
            f"{', '.join(spec.evaluators) or 'its table, or an object with evaluate'}"
        )
    reward = spec.reward if reward is None else reward
    chosen = get_reward(
        reward, **{name: keywords[name] for name in reward_keywords(reward) if name in keywords}
    )
    keywords = {**_values(problem, spec, keywords.pop("recipe", None)), **keywords}
    put_together = _from_data if spec.table is None else _from_table
    parts = put_together(problem, spec, evaluator, keywords | {"reward": reward})
    parts.env_options["reward"] = chosen
    return parts


def _values(problem: str, spec: Problem, recipe: object) -> Mapping[str, Any]:
    """Return the values of keywords that are not given."""
    if recipe is None:
        return spec.defaults
    if not isinstance(recipe, str) or recipe not in spec.recipes:
        there = ", ".join(spec.recipes) or "none but its own"
        raise InvalidArgumentError(f"unknown recipe {recipe!r}; {problem} has {there}")
    return {**spec.defaults, **spec.recipes[recipe]}


def _from_table(
    problem: str, spec: Problem, evaluator: str | Evaluator | None, keywords: dict[str, Any]
) -> Parts:
    assert spec.table is not None
    find_table, look_up = resolve_name(spec.table), resolve_name(EVALUATORS["table"])
    makers = [find_table, NasEnv] if evaluator is not None else [find_table, NasEnv, look_up]
    finding, options, *looking = _sort_keywords(problem, makers, keywords, {"search_space"})
    table = find_table(**finding)
    if evaluator is None:
        evaluator = look_up(table.without_test(), **looking[0])
    assert not isinstance(evaluator, str), "a table has no evaluators to choose from"
    return Parts(table.search_space, evaluator, options, table=table)


def _from_data(
    problem: str, spec: Problem, evaluator: str | Evaluator | None, keywords: dict[str, Any]
) -> Parts:
    assert spec.dataset is not None and spec.network is not None
    training_seed = keywords.get("training_seed", 0)
    if type(training_seed) is not int or training_seed < 0:
        raise InvalidArgumentError(f"training_seed must be an integer from 0, got {training_seed!r}")
    store = keywords.get("store")
    if not isinstance(store, (str, Path, type(None))):
        raise InvalidArgumentError(f"store must be the name of a file or None, got {store!r}")
    max_parameters = keywords.get("max_parameters")
    evaluator = spec.evaluators[0] if evaluator is None else evaluator
    is_text = spec.dataset in CORPORA
    make_dataset = resolve_name((CORPORA if is_text else DATASETS)[spec.dataset])
    make_space = SEARCH_SPACES[spec.search_space]
    make_recipe: Callable[..., Any] = LanguageRecipe if is_text else TrainingRecipe
    makers: list[Callable[..., Any]] = [make_dataset, make_space, make_recipe, NasEnv]
    if isinstance(evaluator, str):
        makers.append(resolve_name(EVALUATORS[evaluator]))
    data, space, training, options, *evaluating = _sort_keywords(
        problem,
        makers,
        keywords,
        {"search_space", "dataset", "recipe", "build", "network_size", "task"},
        ("training_seed", "store", "max_parameters"),
    )
    dataset, search_space, recipe = make_dataset(**data), make_space(**space), make_recipe(**training)
    join = _language_models if is_text else _classifiers
    children = join(spec, search_space, dataset, recipe)
    if isinstance(evaluator, str):
        make_evaluator = makers[-1]
        named = inspect.signature(make_evaluator).parameters
        offered: dict[str, Any] = {"build": children.build, "network_size": children.size}
        if "task" in named:
            offered["task"] = resolve_name(children.task)  # imports PyTorch
        given = {name: value for name, value in offered.items() if name in named}
        trainer: Evaluator = make_evaluator(
            dataset=dataset, recipe=recipe, seed=training_seed, **given, **evaluating[0]
        )
    else:
        trainer = evaluator

    def evaluator_with(store: str | Path | None) -> Evaluator:
        limited: Evaluator = trainer if store is None else StoredEvaluator(trainer, EvaluationStore(store))
        if max_parameters is not None:
            limited = SizeLimitedEvaluator(
                limited, children.size, max_parameters, dataset.id, recipe.id, training_seed
            )
        return CachedEvaluator(limited)

    return Parts(
        search_space,
        evaluator_with(store),
        options,
        build=children.build,
        trainings=spec.trainings,
        costly=spec.costly,
        task=children.task,
        network_size=children.size,
        references=children.references,
        evaluator_with=evaluator_with,
        **children.parts,
    )


@dataclass(frozen=True, slots=True)
class _Children:
    """What depends on whether children classify or are language models.

    Attributes:
        build: Makes the module of an architecture.
        size: Computes what a network costs.
        task: As in ``Parts``.
        references: As in ``Parts``.
        parts: More of ``Parts``.
    """

    build: Callable[[Architecture], Any]
    size: NetworkSizeOf
    task: str
    references: Callable[[int], Sequence[Reference]]
    parts: dict[str, Any]


def _classifiers(
    spec: Problem, search_space: SearchSpace, dataset: Dataset, recipe: TrainingRecipe
) -> _Children:
    assert spec.network is not None
    feature_shape = dataset.train.features.shape[1:]
    search_space.check_feature_shape(feature_shape)
    references = [
        Reference(name, partial(_build_reference, network, feature_shape, dataset.classes))
        for name, network in spec.reference_networks.items()
    ]
    return _Children(
        partial(_build, spec.network, feature_shape, dataset.classes),
        partial(search_space.size, feature_shape=feature_shape, classes=dataset.classes),
        "nas_gym.tasks.base:CLASSIFICATION",
        lambda _: references,
        {"dataset": dataset, "recipe": recipe, "reference_models": spec.reference_models},
    )


def _language_models(
    spec: Problem, search_space: SearchSpace, corpus: Corpus, recipe: LanguageRecipe
) -> _Children:
    assert spec.network is not None and spec.network_size is not None
    around = {"vocabulary": len(corpus.vocabulary), "layers": recipe.layers, "tied": recipe.tied}
    model = {**around, "units": recipe.units}

    def references(parameters: int) -> list[Reference]:
        sized = resolve_name("nas_gym.tasks.language_modelling.reference_models:reference_model")
        cells = spec.reference_networks.items()
        return [sized(name, resolve_name(cell), parameters, **around) for name, cell in cells]

    return _Children(
        partial(_build_named, spec.network, model),
        partial(_build_named, spec.network_size, model),
        "nas_gym.tasks.language_modelling.training:LANGUAGE_MODELLING",
        references,
        {"corpus": corpus, "language_recipe": recipe},
    )


def _sort_keywords(
    problem: str,
    makers: list[Callable[..., Any]],
    keywords: dict[str, Any],
    filled_in: set[str],
    own: tuple[str, ...] = (),
) -> list[dict[str, Any]]:
    """Give each maker the keywords that its signature names; the first that names one takes it.

    Args:
        problem: Id of the environment, for errors.
        makers: What is to be called.
        keywords: What the user gave.
        filled_in: Arguments that are filled in here and cannot be given.
        own: Keywords that ``assemble`` itself reads, besides ``evaluator``, ``reward`` and the reward's.
    """
    own = ("evaluator", "reward", *reward_keywords(keywords["reward"]), *own)
    taken: set[str] = {*own, *filled_in}
    sorted_keywords: list[dict[str, Any]] = []
    required: list[str] = []
    allowed = [*own]
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


def _build(network: str, feature_shape: tuple[int, ...], classes: int, architecture: Architecture) -> Any:  # noqa: ANN401
    return resolve_name(network)(architecture, feature_shape, classes)


def _build_named(network: str, model: Mapping[str, Any], architecture: Architecture) -> Any:  # noqa: ANN401
    return resolve_name(network)(architecture, **model)


def _build_reference(network: str, feature_shape: tuple[int, ...], classes: int) -> Any:  # noqa: ANN401
    return resolve_name(network)(feature_shape, classes)
