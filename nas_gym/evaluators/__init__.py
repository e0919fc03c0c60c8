"""WHAT IS A CHILD WORTH? Trainers in pools, tables, memory before them; no Gymnasium, no agents.

``import nas_gym`` loads neither PyTorch nor Numba: ``choices`` imports what it is asked for.
"""

from nas_gym.evaluators.choices import CHOICES as EVALUATORS

__all__ = ["EVALUATORS"]
