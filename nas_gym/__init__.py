"""Neural architecture search as a Gymnasium environment.

Importing this package registers its ids: ``gym.make("NAS-Moons-v0")``, ``gym.make_vec("NAS-Moons-v0", 64)``.
"""

from nas_gym.errors import NasGymError
from nas_gym.problems.problem import Problem
from nas_gym.problems.registration import problem, register_all

__version__ = "0.1.0"
__all__ = ["NasGymError", "Problem", "__version__", "problem"]

register_all()
