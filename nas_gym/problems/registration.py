"""The ids that ``gym.make`` and ``gym.make_vec`` know, and what stands behind them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import gymnasium as gym

from nas_gym.envs.nas_env import GameRules, NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators import EVALUATORS
from nas_gym.evaluators.choices import Fused, Local, Processes, Ray
from nas_gym.problems import benches, images, tabular, texts
from nas_gym.problems.parts import REQUIRED, choose, keywords_of
from nas_gym.problems.problem import Bookkeeping, Problem
from nas_gym.problems.table_tasks import SPACES
from nas_gym.rewards import REWARDS, ScoreReward
from nas_gym.tasks.classification import TrainingRecipe
from nas_gym.tasks.language_modelling import LanguageRecipe
from nas_gym.tasks.regression import RegressionRecipe

Parts = Mapping[str, Mapping[str, Any]]
"""Keywords with their defaults, by the part they belong to."""


@dataclass(frozen=True)
class Entry:
    """What an id stands for.

    Attributes:
        make: The problem's function.
        spaces: Search spaces by name; none for a table.
        recipes: Classes of recipes, one for each task that it may be; none for a table.
        evaluators: Names of the ways to train children, the usual one first.
    """

    make: Callable[..., Problem]
    spaces: Mapping[str, Callable[..., object]] = field(default_factory=dict)
    recipes: tuple[Callable[..., object], ...] = ()
    evaluators: tuple[str, ...] = ()


COMPILED, IN_PYTORCH = ("fused", "local"), ("processes", "local", "ray")
PROBLEMS: dict[str, Entry] = {
    "NAS-Moons-v0": Entry(tabular.moons, SPACES, (TrainingRecipe,), COMPILED),
    "NAS-Tabular-v0": Entry(tabular.tabular, SPACES, (TrainingRecipe, RegressionRecipe), COMPILED),
    "NAS-Digits-v0": Entry(images.digits, images.SPACES, (TrainingRecipe,), IN_PYTORCH),
    "NAS-MNIST-v0": Entry(images.mnist, images.SPACES, (TrainingRecipe,), IN_PYTORCH),
    "NAS-CIFAR10-v0": Entry(images.cifar10, images.SPACES, (TrainingRecipe,), IN_PYTORCH),
    "NAS-ImageFolder-v0": Entry(images.image_folder, images.SPACES, (TrainingRecipe,), IN_PYTORCH),
    "NAS-Brackets-v0": Entry(texts.brackets, texts.SPACES, (LanguageRecipe,), IN_PYTORCH),
    "NAS-PTB-v0": Entry(texts.ptb, texts.SPACES, (LanguageRecipe,), IN_PYTORCH),
    "NAS-PTBChar-v0": Entry(texts.ptb_char, texts.SPACES, (LanguageRecipe,), IN_PYTORCH),
    "NAS-Text-v0": Entry(texts.text, texts.SPACES, (LanguageRecipe,), IN_PYTORCH),
    "NAS-Bench-Moons-v0": Entry(benches.bench_moons),
    "NAS-Bench-201-v0": Entry(benches.bench_201),
}
TOP = ("question", "game", "books", "parts")
"""Parts whose keywords are given as they are; those of all others in a mapping."""


def problem(id: str, **keywords: Any) -> Problem:  # noqa: ANN401, checked by their names below
    """Return what stands behind an environment.

    Args:
        id: Id of the environment, with or without ``nas_gym:`` before it.
        **keywords: What the question is about, by the signature of the problem's function; ``space``,
            ``recipe``, ``full``, ``evaluator`` and ``reward``, each a value, a name, or a mapping of that
            part's own keywords; and those of ``GameRules`` and ``Bookkeeping``.

    Raises:
        InvalidArgumentError: If an id, a name or a keyword is unknown, or a value is out of range.
        InvalidDataError: If the data cannot be learned from.
        InvalidTableError: If a table is missing, damaged or another one.
    """
    entry = entry_of(id)
    parts = keywords_by_part(id)
    _check(id.removeprefix("nas_gym:"), keywords, parts)

    def of(part: str) -> dict[str, Any]:
        return {name: keywords[name] for name in parts[part] if name in keywords}

    # What costs nothing comes first: nobody waits for data to hear of a misspelt keyword.
    rules, books, reward = GameRules(**of("game")), Bookkeeping(**of("books")), keywords.get("reward")
    if not (reward is None or callable(reward)):
        reward = choose("reward", reward, REWARDS, "score")
    evaluator = keywords.get("evaluator")
    own = evaluator if hasattr(evaluator, "evaluate") else None
    choice = None
    if isinstance(evaluator, Mapping) and "pool" in evaluator:  # another word for its name
        evaluator = {"name" if key == "pool" else key: value for key, value in evaluator.items()}
    if own is None and entry.evaluators:
        choices = {name: EVALUATORS[name] for name in entry.evaluators}
        choice = choose("evaluator", evaluator, choices, entry.evaluators[0], (Fused, Local, Processes, Ray))
    elif own is None and evaluator is not None:
        raise InvalidArgumentError(
            f"unknown evaluator {evaluator!r}; {id} has its table, or an object with evaluate"
        )
    made = entry.make(**of("question"))
    plain = ScoreReward(made.metric.larger_is_better, made.metric.unit)
    if reward is None:
        reward = made.reward or plain
    elif reward == ScoreReward():  # the metric knows which way is better
        reward = plain
    return replace(
        made, id=id.removeprefix("nas_gym:"), reward=reward, rules=rules, books=books, own=own, choice=choice
    )


def keywords_by_part(id: str) -> Parts:
    """Return all keywords of an environment with their defaults, by the part they belong to.

    Raises:
        InvalidArgumentError: If there is no such environment.
    """
    entry = entry_of(id)
    parts: dict[str, dict[str, Any]] = {"question": keywords_of(entry.make)}
    parts |= {f"space {name}": keywords_of(space) for name, space in entry.spaces.items()}
    if entry.recipes:
        parts["recipe"] = {name: value for each in entry.recipes for name, value in keywords_of(each).items()}
    parts |= {f"evaluator {name}": keywords_of(EVALUATORS[name]) for name in entry.evaluators}
    parts |= {f"reward {name}": keywords_of(make) for name, make in REWARDS.items()}
    parts["game"] = keywords_of(GameRules)
    parts["books"] = keywords_of(Bookkeeping) if entry.recipes else {}
    parts["parts"] = {"evaluator": None, "reward": None}
    return parts


def entry_of(id: str) -> Entry:
    """Return what an id stands for.

    Raises:
        InvalidArgumentError: If there is no such environment.
    """
    name = id.removeprefix("nas_gym:")
    if name not in PROBLEMS:
        raise InvalidArgumentError(f"unknown environment {name!r}; there are {', '.join(PROBLEMS)}")
    return PROBLEMS[name]


def register_all() -> None:
    """Register every id with Gymnasium."""
    for env_id in PROBLEMS:
        gym.register(
            env_id,
            entry_point="nas_gym.problems.registration:make_env",
            vector_entry_point="nas_gym.problems.registration:make_vector_env",
            kwargs={"problem_id": env_id},
        )


def make_env(problem_id: str, render_mode: str | None = None, **keywords: Any) -> NasEnv:  # noqa: ANN401
    """Make the environment of an id; keywords as in ``problem``."""
    return problem(problem_id, **keywords).make_env(render_mode=render_mode)


# Where Gymnasium looks for what can be rendered: it makes lists and windows of that by itself.
make_env.metadata = NasEnv.metadata  # type: ignore[attr-defined]


def make_vector_env(
    problem_id: str,
    num_envs: int,
    render_mode: str | None = None,
    **keywords: Any,  # noqa: ANN401
) -> NasVectorEnv:
    """Make ``num_envs`` lanes of the environment of an id; keywords as in ``problem``."""
    return problem(problem_id, **keywords).make_vector_env(num_envs, render_mode=render_mode)


def _check(id: str, keywords: Mapping[str, object], parts: Parts) -> None:
    """Refuse a keyword that is in no part or stands in the wrong place, and say where it belongs."""
    top = [name for part in TOP for name in parts[part]]
    unknown = [name for name in keywords if name not in top]
    if unknown:
        name = unknown[0]
        inner = {part: of for part, of in parts.items() if part not in TOP}
        inside = [part for part, of in inner.items() if name in of]
        if inside:
            part = inside[0].partition(" ")[0]
            raise InvalidArgumentError(
                f"{name} belongs to {' or '.join(inside)}: give {id} {part}={{{name!r}: ...}}"
            )
        within = "; ".join(
            f"{part}: {', '.join(of) or 'none'}"
            for part, of in parts.items()
            if " " in part or part == "recipe"
        )
        raise InvalidArgumentError(f"{id} has no keyword {name!r}; it has {', '.join(top)}; {within}")
    missing = [n for n, default in parts["question"].items() if default is REQUIRED and n not in keywords]
    if missing:
        required = [n for n, default in parts["question"].items() if default is REQUIRED]
        raise InvalidArgumentError(
            f"{id} needs the keyword {missing[0]!r}; required are {', '.join(required)}"
        )
