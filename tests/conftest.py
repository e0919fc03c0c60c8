"""What all tests share."""

import pytest
import torch

from nas_gym.datasets.moons import moons
from nas_gym.evaluators.fused.evaluator import FusedMlpEvaluator
from nas_gym.evaluators.local import LocalEvaluator
from nas_gym.search_spaces import MlpSpace
from nas_gym.search_spaces.mlp.network import build
from nas_gym.tasks.supervised.recipe import TrainingRecipe


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow tests, the slowest first, so that no core waits for the other one at the end."""
    items.sort(key=_seconds_allowed, reverse=True)


def _seconds_allowed(item: pytest.Item) -> float:
    if item.get_closest_marker("slow") is None:
        return 0.0
    timeout = item.get_closest_marker("timeout")
    return 1.0 if timeout is None else float(timeout.args[0])


@pytest.fixture(scope="session", autouse=True)
def compiled_kernel() -> None:
    """Compile the kernel and let PyTorch load its optimizers, so that no test's time holds it."""
    torch.set_num_threads(1)
    recipe, child = TrainingRecipe(epochs=1), MlpSpace().parse("Linear-1")
    FusedMlpEvaluator(moons(), recipe).evaluate([child])
    LocalEvaluator(lambda architecture: build(architecture, (2,), 2), moons(), recipe).evaluate([child])
