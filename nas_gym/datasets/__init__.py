"""WHAT MUST BE LEARNED? Data sets with frozen splits; no networks, no training, no agents.

Factories are named, not imported, so that ``import nas_gym`` does not load scikit-learn.
"""

from nas_gym.datasets.base import Dataset, Split

DATASETS: dict[str, str] = {
    "moons-v0": "nas_gym.datasets.moons:moons",
    "tabular": "nas_gym.datasets.tabular:tabular",
}

__all__ = ["DATASETS", "Dataset", "Split"]
