"""Samples that have a number each."""

from nas_gym.tasks.regression.metrics import METRICS
from nas_gym.tasks.regression.recipe import RegressionRecipe
from nas_gym.tasks.regression.task import Regression

__all__ = ["METRICS", "Regression", "RegressionRecipe"]
