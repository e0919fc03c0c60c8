"""Samples that belong to classes."""

from nas_gym.tasks.classification.metrics import METRICS
from nas_gym.tasks.classification.recipe import TrainingRecipe
from nas_gym.tasks.classification.task import Classification

__all__ = ["METRICS", "Classification", "TrainingRecipe"]
