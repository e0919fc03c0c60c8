"""Regularized evolution, Real et al. 2019: tournaments in a population whose oldest member dies."""

from agents.regularized_evolution.agent import RegularizedEvolution

__all__ = ["RegularizedEvolution"]
