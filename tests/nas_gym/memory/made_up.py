"""Results that nobody trained for, for tests of this room."""

from typing import Any

import numpy as np

from nas_gym.memory.store import Setting
from nas_gym.memory.tables.table import Table
from nas_gym.search_spaces import Architecture, RankedSpace
from nas_gym.tasks.evaluation import Evaluation

SETTING = Setting("moons", "ab12", "instant", "adam")
NETWORK = Architecture("mlp-v0", ("Linear-8", "Tanh"))


def trained(seed: int = 0, architecture: Architecture = NETWORK, **changes: Any) -> Evaluation:  # noqa: ANN401
    """Return the evaluation of a child that fits ``SETTING``."""
    known: dict[str, Any] = {"status": "ok", "scores": {"accuracy": 0.5}, "parameters": 3}
    return Evaluation(architecture, SETTING.dataset, SETTING.recipe, seed, **(known | changes))


def made_up_table(space: RankedSpace, seeds: int = 2, **columns: Any) -> Table:  # noqa: ANN401
    """Return a table of random results: numbers of samples out of 100 and 200, and sizes."""
    generator = np.random.default_rng(0)
    rows = space.count()
    made_up: dict[str, Any] = {
        "validation": generator.integers(101, size=(rows, seeds), dtype=np.uint8),
        "validation_samples": 100,
        "test": generator.integers(201, size=(rows, seeds), dtype=np.uint8),
        "test_samples": 200,
        "parameters": generator.integers(1000, size=rows, dtype=np.uint16),
    }
    return Table(space, "made up", "none", **(made_up | columns))
