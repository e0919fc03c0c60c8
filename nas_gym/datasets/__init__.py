"""WHAT MUST BE LEARNED? Data sets with frozen splits; no networks, no training, no agents.

Factories are named, not imported, so that ``import nas_gym`` does not load scikit-learn or torchvision.
"""

from nas_gym.datasets.base import Dataset, Split
from nas_gym.datasets.corpus import Corpus

DATASETS: dict[str, str] = {
    "moons-v0": "nas_gym.datasets.moons:moons",
    "digits-v0": "nas_gym.datasets.digits:digits",
    "mnist-v0": "nas_gym.datasets.mnist:mnist",
    "cifar10-v0": "nas_gym.datasets.cifar10:cifar10",
    "image_folder": "nas_gym.datasets.image_folder:image_folder",
    "tabular": "nas_gym.datasets.tabular:tabular",
}

CORPORA: dict[str, str] = {
    "brackets-v0": "nas_gym.datasets.brackets:brackets",
    "ptb-v0": "nas_gym.datasets.penn_treebank:ptb",
    "ptb-char-v0": "nas_gym.datasets.penn_treebank:ptb_char",
    "text": "nas_gym.datasets.text:text",
}
"""Data sets to learn language models of: another task than those of ``DATASETS``, which are classified."""

__all__ = ["CORPORA", "DATASETS", "Corpus", "Dataset", "Split"]
