"""Neural architecture search as a Gymnasium environment.

Importing this package registers its ids: ``gym.make("NAS-Moons-v0")``, ``gym.make_vec("NAS-Moons-v0", 64)``.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from nas_gym.errors import NasGymError
from nas_gym.problems.problem import Problem
from nas_gym.problems.registration import problem, register_all

__version__ = "0.1.0"
__all__ = [
    "NASClassifier",
    "NASImageClassifier",
    "NASRegressor",
    "NasGymError",
    "Problem",
    "__version__",
    "load",
    "problem",
]

if TYPE_CHECKING:
    from nas_gym.estimators.images import NASImageClassifier
    from nas_gym.estimators.table_fits.estimators import NASClassifier, NASRegressor
    from nas_gym.kept.network import KeptNetwork
    from nas_gym.kept.table_model import TableModel


def __getattr__(name: str) -> object:
    """Import the estimators, and with them scikit-learn, when they are first asked for."""
    if name in ("NASClassifier", "NASRegressor"):
        from nas_gym.estimators.table_fits import estimators

        return getattr(estimators, name)
    if name == "NASImageClassifier":
        from nas_gym.estimators.images import NASImageClassifier

        return NASImageClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(path: str | Path) -> "KeptNetwork | TableModel":
    """Return the network, or the model of a table, that a folder keeps, see ``nas_gym.kept.loading.load``."""
    from nas_gym.kept.loading import load as load_kept  # imports PyTorch

    return load_kept(path)


register_all()
