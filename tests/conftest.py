"""What all tests share."""

import pytest
import torch

from nas_gym.datasets.moons import moons
from nas_gym.evaluation.fused_mlp import FusedMlpEvaluator
from nas_gym.evaluation.recipe import TrainingRecipe
from nas_gym.search_spaces import MlpSpace


@pytest.fixture(scope="session", autouse=True)
def compiled_kernel() -> None:
    """Compile the training kernel before the first test, so that no test's time holds it."""
    torch.set_num_threads(1)
    evaluator = FusedMlpEvaluator(moons(), TrainingRecipe(epochs=1))
    evaluator.evaluate([MlpSpace().parse("Linear-1")])
