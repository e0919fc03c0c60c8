"""The arrows of the design: who may import whom."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("nas_gym", "agents")
OURS = (*PACKAGES, "scripts", "tests")

# Who may import whom: the row with the longest matching name decides. A module may always import from
# itself downwards only where its own name stands in its row.
TOOLS = ("nas_gym.errors", "nas_gym.checks", "nas_gym.extras", "nas_gym.files", "nas_gym.compiling")
ARROWS: dict[str, tuple[str, ...]] = {
    "nas_gym.__init__": (
        "nas_gym.problems.problem",
        "nas_gym.problems.registration",
        "nas_gym.kept",
        "nas_gym.estimators",
        "nas_gym.errors",
    ),
    "nas_gym.errors": (),
    "nas_gym.checks": ("nas_gym.errors",),
    "nas_gym.extras": ("nas_gym.errors",),
    "nas_gym.files": (),
    "nas_gym.compiling": ("nas_gym.errors",),
    "nas_gym.search_spaces": ("nas_gym.search_spaces", *TOOLS),
    "nas_gym.datasets": ("nas_gym.datasets", *TOOLS),
    "nas_gym.pools": ("nas_gym.pools", *TOOLS),
    "nas_gym.tasks": ("nas_gym.tasks", "nas_gym.search_spaces", "nas_gym.datasets", *TOOLS),
    "nas_gym.memory": (
        "nas_gym.memory",
        "nas_gym.tasks",
        "nas_gym.search_spaces",
        "nas_gym.datasets",
        *TOOLS,
    ),
    "nas_gym.evaluators": (
        "nas_gym.evaluators",
        "nas_gym.pools",
        "nas_gym.memory",
        "nas_gym.tasks",
        "nas_gym.search_spaces",
        "nas_gym.datasets",
        *TOOLS,
    ),
    "nas_gym.rewards": ("nas_gym.tasks.evaluation", *TOOLS),
    "nas_gym.envs": (
        "nas_gym.envs",
        "nas_gym.search_spaces.base",
        "nas_gym.search_spaces.diagram",
        "nas_gym.evaluators.base",
        "nas_gym.tasks.evaluation",
        "nas_gym.tasks.metric",
        "nas_gym.rewards",
        *TOOLS,
    ),
    "nas_gym.envs.wrappers": ("nas_gym.envs", "nas_gym.search_spaces", *TOOLS),
    "nas_gym.problems": (
        "nas_gym.problems",
        "nas_gym.envs",
        "nas_gym.rewards",
        "nas_gym.evaluators",
        "nas_gym.memory",
        "nas_gym.tasks",
        "nas_gym.search_spaces",
        "nas_gym.datasets",
        *TOOLS,
    ),
    "nas_gym.pages": ("nas_gym.pages", *TOOLS),
    "nas_gym.kept": ("nas_gym.kept", "nas_gym.tasks", "nas_gym.search_spaces", "nas_gym.datasets", *TOOLS),
    "nas_gym.studies": (
        "nas_gym.studies",
        "nas_gym.pages",
        "nas_gym.kept",
        "nas_gym.problems",
        "nas_gym.envs",
        "nas_gym.rewards",
        "nas_gym.evaluators",
        "nas_gym.pools",
        "nas_gym.memory",
        "nas_gym.tasks",
        "nas_gym.search_spaces",
        "nas_gym.datasets",
        "agents",
        *TOOLS,
    ),
    "nas_gym.estimators": (
        "nas_gym.estimators",
        "nas_gym.pages",
        "nas_gym.kept",
        "nas_gym.problems",
        "nas_gym.envs",
        "nas_gym.rewards",
        "nas_gym.evaluators",
        "nas_gym.pools",
        "nas_gym.memory",
        "nas_gym.tasks",
        "nas_gym.search_spaces",
        "nas_gym.datasets",
        "agents",
        *TOOLS,
    ),
    "nas_gym.benchmark": ("nas_gym", "agents"),
    "nas_gym.command_line": ("nas_gym.errors", "nas_gym.extras", "nas_gym.files", "agents.errors"),
    "nas_gym.cli": ("nas_gym", "agents"),
    "nas_gym.testing": (
        "nas_gym.search_spaces",
        "nas_gym.datasets",
        "nas_gym.tasks",
        "nas_gym.evaluators",
        "nas_gym.pools",
        *TOOLS,
    ),
    "agents": ("agents",),
}

# What a room knows nothing of, although it is installed.
STRANGERS: dict[str, tuple[str, ...]] = {
    "nas_gym": ("stable_baselines3", "sb3_contrib", "tensorboard"),
    "nas_gym.errors": ("numpy", "torch", "gymnasium"),
    "nas_gym.rewards": ("torch", "gymnasium"),
    "nas_gym.search_spaces": ("gymnasium", "stable_baselines3", "sb3_contrib", "sklearn", "numba"),
    "nas_gym.datasets": ("gymnasium", "stable_baselines3", "sb3_contrib", "numba"),
    "nas_gym.tasks": ("gymnasium", "stable_baselines3", "sb3_contrib"),
    "nas_gym.pages": ("torch", "gymnasium", "stable_baselines3", "sb3_contrib", "sklearn", "numba"),
    "nas_gym.kept": ("gymnasium", "stable_baselines3", "sb3_contrib", "sklearn", "numba"),
    "nas_gym.memory": ("gymnasium", "stable_baselines3", "sb3_contrib"),
    "nas_gym.evaluators": ("gymnasium", "stable_baselines3", "sb3_contrib"),
    "nas_gym.envs": ("torch", "sklearn", "numba", "stable_baselines3", "sb3_contrib"),
}

# One file of a room that may know a stranger of it after all.
GUESTS: dict[str, tuple[str, ...]] = {
    # A cell is a tree of tiny operations: what computes it has to be compiled, and is a module like others.
    "nas_gym.search_spaces.cell.kernel": ("numba",),
}

ENTRY_POINT = re.compile(r"(?:nas_gym|agents)(?:\.\w+)+:\w+")
"""A string that names what is imported later."""


def files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the dotted name of a file; that of a package ends with ``__init__``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def imports(source: str, module: str) -> Iterator[str]:
    """Yield the dotted name of everything that a source text imports, also within functions and strings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*module.split(".")[: -node.level], *filter(None, [node.module])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if base.split(".")[0] not in OURS or is_module(inner) else base
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if ENTRY_POINT.fullmatch(node.value):
                yield node.value.partition(":")[0]


def within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def row_of(module: str) -> tuple[str, ...]:
    rows = [row for row in ARROWS if within(module, (row,))]
    assert rows, f"{module} is in no room: give it a row in ARROWS"
    return ARROWS[max(rows, key=len)]


def forbidden_arrows(source: str, module: str) -> list[str]:
    """Return what a module imports of our packages without an arrow, or of others as a stranger."""
    allowed = row_of(module)
    strangers = {
        stranger for room, names in STRANGERS.items() if within(module, (room,)) for stranger in names
    } - set(GUESTS.get(module, ()))
    return [
        name
        for name in imports(source, module)
        if (name.split(".")[0] in OURS and not within(name, allowed)) or within(name, tuple(strangers))
    ]


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_imports__follow_the_arrows(path: Path) -> None:
    assert forbidden_arrows(path.read_text(), name_of(path)) == []


@pytest.mark.parametrize("row", [*ARROWS, *GUESTS])
def test_arrows__start_at_modules_that_exist(row: str) -> None:
    assert is_module(row), f"{row} is gone: take its row away"


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("agents.reinforce.agent", "import nas_gym", ["nas_gym"]),
        ("agents.reinforce.agent", "from nas_gym import errors", ["nas_gym.errors"]),
        ("agents.reinforce.agent", "def f():\n    import nas_gym.rewards", ["nas_gym.rewards"]),
        ("agents.reinforce.agent", "import agents.base, torch, gymnasium", []),
        ("agents.sb3.agents", "from scripts import retrain", ["scripts.retrain"]),
        ("agents.sb3.agents", "resolve_name('nas_gym.rewards:get_reward')", ["nas_gym.rewards"]),
        ("nas_gym.search_spaces.base", "from nas_gym.datasets import Dataset", ["nas_gym.datasets"]),
        (
            "nas_gym.search_spaces.mlp.grammar",
            "from ...datasets.base import Split",
            ["nas_gym.datasets.base"],
        ),
        ("nas_gym.search_spaces.mlp.grammar", "from ..base import Block", []),
        ("nas_gym.search_spaces.__init__", "from .. import rewards", ["nas_gym.rewards"]),
        ("nas_gym.evaluators.local", "import gymnasium as gym", ["gymnasium"]),
        ("nas_gym.evaluators.local", "from gymnasium.spaces import Discrete", ["gymnasium.spaces.Discrete"]),
        ("nas_gym.evaluators.local", "import gymnasium_robotics", []),
        ("nas_gym.envs.nas_env", "from nas_gym.search_spaces import MlpSpace", ["nas_gym.search_spaces"]),
        ("nas_gym.envs.nas_env", "from nas_gym.evaluators import limits", ["nas_gym.evaluators.limits"]),
        ("nas_gym.envs.nas_env", "from nas_gym.evaluators.base import Evaluator", []),
        ("nas_gym.envs.nas_env", "from nas_gym.problems import base", ["nas_gym.problems"]),
        ("nas_gym.search_spaces.cell.kernel", "from numba import njit", []),
        ("nas_gym.search_spaces.cell.kernel", "import sklearn", ["sklearn"]),
        ("nas_gym.search_spaces.cell.network", "import numba", ["numba"]),
        ("nas_gym.rewards", "import agents", ["agents"]),
        ("nas_gym.problems.registration", "import agents", ["agents"]),
        ("nas_gym.errors", "if True:\n    import nas_gym.rewards", ["nas_gym.rewards"]),
    ],
)
def test_walker__sees_forbidden_arrows(module: str, source: str, found: list[str]) -> None:
    assert forbidden_arrows(source, module) == found


def test_walker__asks_for_a_row_for_a_new_room() -> None:
    with pytest.raises(AssertionError, match=r"nas_gym\.novelty is in no room"):
        row_of("nas_gym.novelty")


def uses(source: str, module: str, names: tuple[str, ...]) -> bool:
    """Say whether a source text imports one of the dotted names or reads it as an attribute."""
    tree = ast.parse(source)
    last = {name.rpartition(".")[2] for name in names}
    read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return bool(last & read) or any(within(name, names) for name in imports(source, module))


TRAINING = ("torch.optim", "torch.nn.functional.cross_entropy", "torch.nn.CrossEntropyLoss")


def test_training__happens_in_two_files() -> None:
    # Samples in random order, and text read in order with a state: two loops, that have no line in common.
    # A task of samples says what its loss is; device loads the optimizers before a fork.
    trainers = [
        name_of(path)
        for path in files()
        if name_of(path).startswith("nas_gym.") and uses(path.read_text(), name_of(path), TRAINING)
    ]
    assert trainers == [
        "nas_gym.tasks.classification.task",
        "nas_gym.tasks.device",
        "nas_gym.tasks.language_modelling.training",
        "nas_gym.tasks.supervised.training",
    ]


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.optim.Adam",
        "from torch import optim",
        "from torch.optim import SGD",
        "import torch.nn.functional as F\nF.cross_entropy(a, b)",
        "from torch.nn.functional import cross_entropy",
        "from torch import nn\nnn.CrossEntropyLoss()",
    ],
)
def test_walker__sees_a_loss_or_an_optimizer(source: str) -> None:
    assert uses(source, "nas_gym.evaluators.other", TRAINING)
    assert not uses("from torch import nn\nnn.Linear(1, 2)", "nas_gym.evaluators.other", TRAINING)


def readers_of_test_data(source: str) -> bool:
    tree = ast.parse(source)
    return any(isinstance(node, ast.Attribute) and node.attr == "test" for node in ast.walk(tree))


def test_test_data__is_read_after_the_search_alone() -> None:
    # testing.py holds the contract of data sets, which says what the test part looks like.
    readers = {
        name_of(path)
        for path in files()
        if not within(name_of(path), ("nas_gym.datasets",)) and readers_of_test_data(path.read_text())
    }
    # A table holds test results for use after the search; its evaluator gets it without them. A task judges
    # by the part it is asked for, if its data have that part.
    assert readers == {
        "nas_gym.evaluators.trainers.fused.trainer",
        "nas_gym.memory.tables.table",
        "nas_gym.studies.references",
        "nas_gym.studies.retraining",
        "nas_gym.studies.tabulation",
        "nas_gym.tasks.language_modelling.task",
        "nas_gym.tasks.supervised.task",
        "nas_gym.testing",
    }
    assert readers_of_test_data("x = dataset.test.features")
    assert not readers_of_test_data("test = dataset.validation")


@pytest.mark.parametrize("path", sorted((ROOT / "nas_gym").glob("search_spaces/*/grammar.py")), ids=name_of)
def test_grammar__needs_no_pytorch(path: Path) -> None:
    found = {name.split(".")[0] for name in imports(path.read_text(), name_of(path))}
    assert found - sys.stdlib_module_names <= {"numpy", "nas_gym"}


@pytest.mark.parametrize("path", files(), ids=name_of)
def test_randomness__comes_from_explicit_generators(path: Path) -> None:
    seeding = {"manual_seed_all", "seed_everything", "set_random_seed"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in {"np.random.seed", "random.seed", "torch.manual_seed"}
            assert node.attr not in seeding
