"""What a page says of an environment, read from the code: Markdown, without Sphinx."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, ForwardRef, Literal, TypeVar, Union, get_args, get_origin

from numpy.typing import ArrayLike

from agents import AgentSpec
from nas_gym.envs.nas_env import GameRules
from nas_gym.evaluators import EVALUATORS
from nas_gym.problems import images, registration, texts
from nas_gym.problems.ladder import Values, ladder
from nas_gym.problems.parts import REQUIRED
from nas_gym.problems.problem import Bookkeeping
from nas_gym.problems.table_tasks import RECIPES
from nas_gym.rewards import REWARDS
from nas_gym.search_spaces import MlpSpace, NasBench201Space, SearchSpace

FEW_TOKENS, MANY = 40, 10**12
NUMBERS = "a number, `None` for all, or what the recipe says"
COMMON = {
    "split": "Relative sizes of training, validation and test part.",
    "seed": "Seed of the data, not of the trainings.",
    "metric": "What children are judged by.",
    "space": "What may be built: a name, keywords of a space as below, or a space.",
    "recipe": "Training of a child in a search: a name, or keywords as below.",
    "middle": "A longer training, for the best of a search.",
    "full": "The training after the search.",
    "train_samples": f"Training images of a search: {NUMBERS}.",
    "validation_samples": f"Validation images of a search: {NUMBERS}.",
    "train_tokens": f"Training tokens of a search: {NUMBERS}.",
    "validation_tokens": f"Validation tokens of a search: {NUMBERS}.",
    "workers": "Simulated workers: a number, or a mapping of `workers`, `seconds`, `sigma`, `start_seconds`, "
    "`deaths`, `workers_per_node`, `node_seconds`, `notice_seconds`, `seed`.",
    "budget_seconds": "Simulated seconds of training after which the search ends; `None` for no limit.",
    "table": "A table, or the path of one; by default the usual one.",
    "evaluator": "How children are trained: a name, keywords as below, or an object with `evaluate`.",
    "reward": "How good an evaluation is: a name, keywords as below, or a function.",
}
"""Meanings of keywords of the question that several environments share; pages say those of the others."""
TABLES: dict[str, Callable[[], SearchSpace]] = {
    "NAS-Bench-Moons-v0": MlpSpace,
    "NAS-Bench-201-v0": NasBench201Space,
}
LADDERS: dict[str, Mapping[str, Values]] = {
    "NAS-Moons-v0": RECIPES,
    "NAS-Tabular-v0": RECIPES,
    "NAS-Digits-v0": images.DIGITS,
    "NAS-MNIST-v0": images.MNIST,
    "NAS-CIFAR10-v0": images.CIFAR10,
    "NAS-ImageFolder-v0": images.FOLDER,
    "NAS-Brackets-v0": texts.BRACKETS,
    "NAS-PTB-v0": texts.PTB,
    "NAS-PTBChar-v0": texts.PTB_CHARACTERS,
    "NAS-Text-v0": texts.TEXT,
}
AMOUNTS = ("train_samples", "validation_samples", "train_tokens", "validation_tokens")


@dataclass(frozen=True)
class Row:
    """One argument.

    Attributes:
        name: Its keyword.
        type: What may be given, in words.
        values: Its default; of a recipe its value on each rung of the ladder.
        meaning: One or two sentences.
    """

    name: str
    type: str
    values: tuple[object, ...]
    meaning: str


@dataclass(frozen=True)
class Part:
    """The arguments that belong together.

    Attributes:
        name: As in ``keywords_by_part``.
        columns: What the values of its rows are.
        rows: One for each argument.
        note: A sentence below the table, or nothing.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


def space_of(env: str) -> SearchSpace:
    """Return the search space of an environment with its default arguments; reads no data."""
    spaces = registration.entry_of(env).spaces
    if not spaces:
        return TABLES[env]()
    if len(spaces) == 1:
        (make,) = spaces.values()
        made = make()
        assert isinstance(made, SearchSpace)
        return made
    needs = registration.keywords_by_part(env)["question"].get("path") is REQUIRED
    # Images are not read before the first child.
    return registration.problem(env, **({"path": "nowhere"} if needs else {})).search_space


def parts_of(env: str, meanings: Mapping[str, str]) -> list[Part]:
    """Return all arguments of an environment.

    Args:
        env: Its id.
        meanings: What the keywords of its question mean that are not in ``COMMON``.

    Raises:
        ValueError: If one of them is missing, or there is no such keyword.
    """
    entry = registration.entry_of(env)
    keywords = registration.keywords_by_part(env)
    unknown = set(meanings) - set(keywords["question"])
    if unknown:
        raise ValueError(f"{env} has no keyword {min(unknown)}")
    made: dict[str, Sequence[Callable[..., object]]] = {
        "question": (entry.make,),
        "recipe": entry.recipes,
        "game": (GameRules,),
        "books": (Bookkeeping,),
        **{f"space {name}": (space,) for name, space in entry.spaces.items()},
        **{f"evaluator {name}": (EVALUATORS[name],) for name in entry.evaluators},
        **{f"reward {name}": (reward,) for name, reward in REWARDS.items()},
    }
    parts = []
    for name, defaults in keywords.items():
        if name == "parts":
            rows = [Row(each, "str, mapping or object", (None,), COMMON[each]) for each in defaults]
            parts.append(Part(name, ("default",), tuple(rows)))
        elif name == "recipe":
            parts.append(_recipe(env, defaults, made[name]))
        else:
            said = {**COMMON, **meanings} if name == "question" else described(*made[name])
            missing = set(defaults) - set(said)
            if missing:
                raise ValueError(f"{env} does not say what {min(missing)} means")
            types = types_of(*made[name])
            rows = [Row(each, types[each], (value,), said[each]) for each, value in defaults.items()]
            parts.append(Part(name, ("default",), tuple(rows)))
    return parts


def _recipe(env: str, defaults: Mapping[str, Any], classes: Sequence[Callable[..., Any]]) -> Part:
    """Return the values of each rung, which are not those of the class."""
    said, types = described(*classes), types_of(*classes)
    named = LADDERS[env]
    amounts = [name for name in AMOUNTS if name in registration.keywords_by_part(env)["question"]]
    columns = ("search", *(name for name in ("middle",) if name in named), "full")
    of_recipe: dict[str, tuple[object, ...]] = {}
    for make in classes:
        rungs = ladder(make, _no_data, named, None, None, dict.fromkeys(amounts, "recipe"))
        recipes = [rung.recipe for rung in rungs]
        of_recipe |= {
            name: tuple(getattr(each, name) for each in recipes)
            for name in inspect.signature(make).parameters
        }
    rows = [Row(name, types[name], of_recipe[name], said[name]) for name in defaults]
    note = ""
    if amounts:
        values: dict[str, Any] = {}
        taken = []
        for column in columns:
            values = {**values, **named[column]}
            found = ", ".join(f"`{each}={values[each]!r}`" for each in amounts if each in values)
            taken.append(f"{column} {found or 'all'}")
        note = f"How much of the data each takes: {'; '.join(taken)}."
    others = [name for name in named if name not in columns]
    if others:
        note += f" There is a recipe by the name of {', '.join(map(repr, others))}, too."
    return Part("recipe", columns, tuple(rows), note.strip())


def _no_data(**amounts: object) -> Any:  # noqa: ANN401, a ladder loads no data before it is asked for
    raise AssertionError("a page needs no data")


def types_of(*made: Callable[..., object]) -> dict[str, str]:
    """Return what may be given for each argument of functions or classes, in words."""
    found: dict[str, str] = {}
    for each in made:
        for name, parameter in inspect.signature(each).parameters.items():
            found[name] = words_of(parameter.annotation)
    return found


def words_of(annotation: object) -> str:
    """Say a type in words: ``int or None``."""
    if annotation is None or annotation is NoneType:
        return "None"
    if annotation is ArrayLike:
        return "array"
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return " or ".join(part.strip() for part in annotation.split("|"))
    if isinstance(annotation, TypeVar):
        return annotation.__name__
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(word for each in inner for word in words_of(each).split(" or ")))
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return "mapping"
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        return f"sequence of {words_of(inner[0])}"
    return getattr(annotation, "__name__", str(annotation))


def described(*made: Callable[..., object]) -> dict[str, str]:
    """Return what the docstrings of functions or classes, and of their bases, say of each argument."""
    found: dict[str, str] = {}
    for each in made:
        for one in reversed(inspect.getmro(each)) if inspect.isclass(each) else (each,):
            text = inspect.cleandoc(one.__doc__ or "")
            for section in SECTION.findall(text):
                found |= {name: " ".join(words.split()) for name, words in ENTRY.findall(section)}
    return found


SECTION = re.compile(r"^(?:Args|Attributes):\n(.*?)(?=^\S|\Z)", re.DOTALL | re.MULTILINE)
ENTRY = re.compile(r"^    (\w+): (.*?)(?=^    \w|\Z)", re.DOTALL | re.MULTILINE)
HEADINGS = {
    "question": "The question",
    "game": "The game",
    "books": "Books",
    "parts": "Parts that are exchanged",
}


def heading(part: Part) -> str:
    """Return what stands above the table of a part."""
    if part.name == "recipe":
        rungs = ["recipe", *part.columns[1:]]
        return f"Training: {', '.join(f'`{each}`' for each in rungs)}"
    if part.name in HEADINGS:
        return HEADINGS[part.name]
    kind, _, name = part.name.partition(" ")
    return f'`{kind}="{name}"`'


def arguments_markdown(env: str, meanings: Mapping[str, str]) -> str:
    """Return a table for each part."""
    parts = sorted(parts_of(env, meanings), key=_place)
    without = [part.name.partition(" ")[2] for part in parts if not part.rows and " " in part.name]
    named = ", ".join(f'`"{name}"`' for name in without)
    tables = [table_of(part) for part in parts if part.rows]
    return "\n\n".join([*tables, *([f"Rewards without keywords: {named}."] if without else [])])


def _place(part: Part) -> int:
    """Put the question first, then what every environment has in common last."""
    order = ("question", "parts", "space", "recipe", "evaluator", "reward", "game", "books")
    return order.index(part.name.partition(" ")[0])


def table_of(part: Part) -> str:
    """Return one part as Markdown."""
    head = ("keyword", "type", *part.columns, "meaning")
    lines = [f"**{heading(part)}**", "", _line(head), _line(["---"] * len(head))]
    for row in part.rows:
        values = ["required" if value is REQUIRED else f"`{_shown(value)}`" for value in row.values]
        lines.append(_line([f"`{row.name}`", _quoted(row.type), *values, row.meaning]))
    return "\n".join([*lines, *(["", part.note] if part.note else [])])


def _quoted(type: str) -> str:
    """Set the words that may be given in code: else their quotes become typographic ones."""
    return re.sub(r"'[^']*'", r"`\g<0>`", type)


def _shown(value: object) -> str:
    """Write a default: lambda and functions by name, numbers as a reader writes them."""
    return value.__name__ if callable(value) and hasattr(value, "__name__") else repr(value)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def count_of(space: SearchSpace) -> str:
    """Write how many networks a space holds."""
    count = space.count()
    if count < MANY:
        return f"{count:,}"
    digits = f"{count:.1e}".partition("e")
    return f"{digits[0]} x 10^{int(digits[2])}^".replace("^", "<sup>", 1).replace("^", "</sup>", 1)


def summary_markdown(env: str) -> str:
    """Return the small table at the top of a page."""
    space = space_of(env)
    words = len(space.tokens)
    rows = [
        ("import", f'`gym.make("nas_gym:{env}")`'),
        ("search space", f"`{space.id}`, {count_of(space)} networks"),
        ("action space", f"`Discrete({words})`"),
        ("observation space", f"`MultiDiscrete([{words + 1}] * {space.max_length})`"),
    ]
    needed = [
        name
        for name, default in registration.keywords_by_part(env)["question"].items()
        if default is REQUIRED
    ]
    if needed:
        keywords = ", ".join(f"{name}=..." for name in needed)
        rows[0] = ("import", f'`gym.make("nas_gym:{env}", {keywords})`')
    return "\n".join([_line(["", ""]), _line(["---", "---"]), *(_line(row) for row in rows)])


def tokens_markdown(env: str) -> str:
    """Return the tokens with their numbers, long lists folded."""
    space = space_of(env)
    tokens = [f"`{index} {name}`" for index, name in enumerate(space.tokens)]
    listed = " ".join(tokens)
    if len(tokens) > FEW_TOKENS:
        some = " ".join(tokens[:5])
        listed = f"{some} ... {tokens[-1]}\n\n:::{{dropdown}} All {len(tokens)} tokens\n{listed}\n:::"
    ends = f"`{space.end_token}` ends a sentence, which has at most {space.max_length} tokens."
    if space.end_token is None:
        ends = f"There is no end token: all sentences have {space.max_length} tokens."
    return (
        f"`Discrete({len(tokens)})`, one action for each token. {ends} Which may come next is said by "
        f'`info["action_mask"]` (int8) and `action_masks()` (bool).\n\n{listed}'
    )


def observation_markdown(env: str) -> str:
    """Return what an observation holds."""
    space = space_of(env)
    return (
        f"`MultiDiscrete([{len(space.tokens) + 1}] * {space.max_length})`: the sentence so far, 0 where "
        "nothing is written yet, and the number of the token plus 1 where one stands."
    )


def agent_markdown(spec: AgentSpec) -> str:
    """Return what an agent is made with: its defaults, those of the registry put in."""
    agent = spec.load()
    said, types = described(agent), types_of(agent)
    lines = [_line(["argument", "type", "value", "meaning"]), _line(["---"] * 4)]
    for name, parameter in inspect.signature(agent).parameters.items():
        if name in ("env", "seed", "tensorboard_log") or parameter.kind is parameter.VAR_KEYWORD:
            continue
        value = spec.arguments.get(name, parameter.default)
        lines.append(_line([f"`{name}`", _quoted(types[name]), f"`{value!r}`", said[name]]))
    if len(lines) == 2:
        return "It has no arguments but `env`, `seed` and `tensorboard_log`."
    return "\n".join(lines)


def hyperparameters_markdown(algorithm: str) -> str:
    """Return what is given to an algorithm of stable-baselines3, beside its own defaults."""
    from agents.sb3.agents import ALGORITHMS

    chosen = ALGORITHMS[algorithm]
    own = inspect.signature(chosen.model).parameters
    lines = [_line(["argument", "here", "stable-baselines3's default"]), _line(["---"] * 3)]
    for name, value in chosen.hyperparameters.items():
        lines.append(_line([f"`{name}`", f"`{value!r}`", f"`{own[name].default!r}`"]))
    return "\n".join(lines)
