"""Predicting each token of a text from those before it."""

from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.language_modelling.task import LanguageModelling

__all__ = ["LanguageModelling", "LanguageRecipe"]
