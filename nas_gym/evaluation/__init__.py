"""WHAT IS A CHILD WORTH? Ways to evaluate architectures; no Gymnasium, no agents.

Evaluators are named, not imported, so that ``import nas_gym`` loads neither PyTorch nor Numba.
"""

from nas_gym.evaluation.base import Evaluator
from nas_gym.evaluation.evaluation import Evaluation
from nas_gym.evaluation.recipe import TrainingRecipe

EVALUATORS: dict[str, str] = {
    "fused": "nas_gym.evaluation.fused_mlp:FusedMlpEvaluator",
    "local": "nas_gym.evaluation.local:LocalEvaluator",
    "processes": "nas_gym.evaluation.processes:ProcessEvaluator",
    "table": "nas_gym.evaluation.tabular:TableEvaluator",
}

__all__ = ["EVALUATORS", "Evaluation", "Evaluator", "TrainingRecipe"]
