"""Collaborators that the tests of several rooms share."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nas_gym.datasets.base import Samples
from nas_gym.datasets.images.cifar10 import cifar10
from nas_gym.datasets.images.digits import digits
from nas_gym.datasets.images.image_folder import image_folder
from nas_gym.datasets.images.mnist import mnist
from nas_gym.datasets.tables.moons import moons
from nas_gym.datasets.tables.numbers import numbers
from nas_gym.datasets.tables.tabular import tabular
from nas_gym.datasets.texts.brackets import brackets
from nas_gym.datasets.texts.corpus import Corpus
from nas_gym.datasets.texts.penn_treebank import ptb, ptb_char
from nas_gym.datasets.texts.text import text
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.sending import SendingEvaluator
from nas_gym.memory.store import Setting
from nas_gym.problems.problem import Problem
from nas_gym.problems.registration import PROBLEMS, problem
from nas_gym.search_spaces import Architecture, MlpSpace, NasBench201Space, SearchSpace
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import child_seed
from nas_gym.testing import random_sentence
from tests.nas_gym.images import small_image_folder
from tests.nas_gym.memory.made_up import made_up_table
from tests.nas_gym.texts import small_text


class InstantEvaluator(Evaluator):
    """Trains nothing: results are a fixed function of architecture and seed; keeps every call."""

    def __init__(self, failing: int = 0) -> None:
        """Let one in ``failing`` children fail, or none."""
        self.failing = failing
        self.calls: list[tuple[Architecture, ...]] = []
        self.seeds: list[int] = []

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``."""
        self.calls.append(tuple(architectures))
        seeds = [_number(str(architecture)) for architecture in architectures] if seeds is None else seeds
        self.seeds += seeds
        return [self._evaluate(*child) for child in zip(architectures, seeds, strict=True)]

    def _evaluate(self, architecture: Architecture, seed: int) -> Evaluation:
        number = _number(f"{architecture}|{seed}")
        failed = self.failing > 0 and number % self.failing == 0
        share = number % 1001
        scores = {"accuracy": share / 1000, "last_epochs_accuracy": share / 1001}
        return Evaluation(
            architecture=architecture,
            task="none",
            recipe="none",
            seed=seed,
            status="failed" if failed else "ok",
            scores={} if failed else scores,
            parameters=len(architecture.tokens),
            reason="it is one of those that fail" if failed else None,
            multiply_adds=10 * len(architecture.tokens),
            latency_seconds=None if failed else 1e-3 * len(architecture.tokens),
        )


SAMPLES = 100
"""Validation samples that an ``InstantTrainer`` pretends to have."""


class InstantTrainer(InstantEvaluator):
    """One that says what its results depend on, so that they can be stored."""

    def __init__(
        self,
        id: str = "instant",
        task: str = "made up",
        recipe: str = "none",
        seed: int = 0,
        failing: int = 0,
    ) -> None:
        super().__init__(failing)
        self.known = Setting(task, "0" * 64, id, recipe)
        self.seed = seed

    def setting(self, rung: int = 0) -> Setting:
        """Say what results depend on."""
        return self.known

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate children, see ``Evaluator.evaluate``."""
        if seeds is None:
            seeds = [child_seed(self.seed, architecture) for architecture in architectures]
        return [
            replace(
                e,
                task=self.known.dataset,
                recipe=self.known.recipe,
                scores={name: round(score * SAMPLES) / SAMPLES for name, score in e.scores.items()},
            )
            for e in super().evaluate(architectures, seeds)
        ]


class SlowEvaluator(SendingEvaluator, InstantTrainer):
    """Gives out its answers one at a time, the last one first."""

    def __init__(self) -> None:
        InstantTrainer.__init__(self)
        self.under_way: list[tuple[int, Evaluation]] = []

    def send(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[int]:
        tickets = InstantTrainer.send(self, architectures, seeds, rung)
        self.under_way += self._answers
        self._answers.clear()
        return tickets

    evaluate = InstantTrainer.evaluate

    def _come(self, wait: bool, timeout: float | None) -> list[tuple[int, Evaluation]]:
        return [self.under_way.pop()] if wait and self.under_way else []

    def _give_up(self) -> None:
        self.under_way.clear()


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


def random_networks(count: int, seed: int = 0) -> list[Architecture]:
    """Draw networks of ``mlp-v0``."""
    space, generator = MlpSpace(), np.random.default_rng(seed)
    return [space.decode(random_sentence(space, generator)) for _ in range(count)]


def blobs(samples: int = 90, features: int = 4, classes: int = 3) -> dict[str, Any]:
    """Return the keywords ``X`` and ``y`` of separable classes."""
    generator = np.random.default_rng(0)
    y = np.arange(samples) % classes
    centres = generator.normal(scale=3.0, size=(classes, features))
    return {"X": centres[y] + generator.normal(size=(samples, features)), "y": y}


def values(samples: int = 90, features: int = 4) -> dict[str, Any]:
    """Return the keywords ``X`` and ``y`` of numbers that follow from the features, up to noise."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(samples, features))
    return {"X": X, "y": 50 + 3 * X[:, 0] - 2 * np.tanh(X[:, 1]) + 0.1 * generator.normal(size=samples)}


DATASETS: dict[str, Callable[..., Samples]] = {
    "moons-v0": moons,
    "digits-v0": digits,
    "mnist-v0": mnist,
    "cifar10-v0": cifar10,
    "image_folder": image_folder,
    "tabular": tabular,
    "numbers": numbers,
}
CORPORA: dict[str, Callable[..., Corpus]] = {
    "brackets-v0": brackets,
    "ptb-v0": ptb,
    "ptb-char-v0": ptb_char,
    "text": text,
}

FEW_TOKENS: dict[str, Any] = {"train_tokens": 400, "validation_tokens": 100}
"""The environments take more by default than there are in the small files."""
ALL_IMAGES: dict[str, Any] = {"train_samples": None, "validation_samples": None}
"""There are fewer of them in the small files than the environments take by default."""

REQUIRED: dict[str, dict[str, Any]] = {
    "tabular": blobs(),
    "numbers": values(),
    "image_folder": {"path": small_image_folder()},
    "text": {"path": small_text()},
    "NAS-Tabular-v0": blobs(),
    "NAS-MNIST-v0": ALL_IMAGES,
    "NAS-CIFAR10-v0": ALL_IMAGES,
    "NAS-ImageFolder-v0": {"path": small_image_folder(), "image_size": 8},
    "NAS-PTB-v0": FEW_TOKENS,
    "NAS-PTBChar-v0": FEW_TOKENS,
    "NAS-Text-v0": {"path": small_text()},
    "NAS-Bench-Moons-v0": {"table": made_up_table(MlpSpace(max_length=3))},
    "NAS-Bench-201-v0": {"table": made_up_table(NasBench201Space())},
}
"""Keywords without which a data set or an environment cannot be made, or not with the small files."""

TRAINED = tuple(name for name, entry in PROBLEMS.items() if entry.evaluators)
"""Environments whose children are trained; the others have a table. Those that read image files need the
fixture ``small_data``."""
TEXTS = tuple(name for name in TRAINED if "cell" in PROBLEMS[name].spaces)
"""Those of them whose children are language models."""

TINY_CHAIN: dict[str, Any] = {"kernels": (3,), "filters": (2,), "pools": (1, 2), "dropouts": (0, 0.5)}
TINY_GRAPH: dict[str, Any] = {
    "kernel_heights": (1, 3),
    "kernel_widths": (3,),
    "filters": (2,),
    "max_layers": 3,
}
TINY: dict[str, dict[str, Any]] = {
    **{
        name: {**FEW_TOKENS, "space": {"base": 2}, "recipe": {"units": 4, "batch_size": 8, "epochs": 1}}
        for name in TEXTS
    },
    "NAS-Digits-v0": {"space": TINY_CHAIN, "train_samples": 60, "validation_samples": 50},
    "NAS-MNIST-v0": {"space": {**TINY_CHAIN, "max_layers": 1}},
    "NAS-CIFAR10-v0": {"space": TINY_GRAPH},
    "NAS-ImageFolder-v0": {"space": {**TINY_CHAIN, "max_layers": 3}},
}
"""Keywords that make images and tokens few, and networks small."""

QUICK: dict[str, dict[str, Any]] = {
    name: {
        **({"recipe": {"epochs": 1}} if name in TRAINED else {}),
        **REQUIRED.get(name, {}),
        **TINY.get(name, {}),
        **({"evaluator": "local"} if name in TINY else {}),  # processes take seconds to start
    }
    for name in PROBLEMS
}
"""Keywords that make each environment a quick one."""

IN_PROCESS = [
    (name, way) for name in TRAINED for way in PROBLEMS[name].evaluators if way not in ("processes", "ray")
]
"""Environments with each of their ways to train children that start no other processes."""


def quick(name: str, **keywords: Any) -> Problem:  # noqa: ANN401
    """Return a quick problem; a recipe that is given replaces single values of the quick one's."""
    recipe = QUICK[name].get("recipe", {}) | keywords.pop("recipe", {})
    return problem(name, **{**QUICK[name], **({"recipe": recipe} if recipe else {}), **keywords})


def pieces_of_data(name: str) -> tuple[bytes, list[bytes]]:
    """Return the beginning of the training part, and pieces of the test part, each of them unique."""
    task = quick(name).task
    assert task is not None
    data: Any = task.data_of()
    if name in TEXTS:
        return data.train[:50].tobytes(), [p.tobytes() for p in np.array_split(data.test[:500], 10)]
    return data.train.features[:3].tobytes(), [row.tobytes() for row in data.test.features]


def random_children(space: SearchSpace, count: int, seed: int = 0) -> list[Architecture]:
    """Draw distinct networks of a search space."""
    generator = np.random.default_rng(seed)
    found: dict[Architecture, None] = {}
    while len(found) < count:
        found[space.decode(random_sentence(space, generator))] = None
    return list(found)
