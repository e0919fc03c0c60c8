"""From a folder to a network that can be used."""

from pathlib import Path

from nas_gym.errors import KeptNetworkError
from nas_gym.kept.folder import find_folder, read_folder
from nas_gym.kept.language_model import KeptLanguageModel
from nas_gym.kept.network import KeptNetwork
from nas_gym.kept.samples import KeptClassifier, KeptRegressor
from nas_gym.tasks.classification import Classification
from nas_gym.tasks.language_modelling import LanguageModelling
from nas_gym.tasks.regression import Regression

KINDS: dict[str, type[KeptNetwork]] = {
    Classification.kind: KeptClassifier,
    Regression.kind: KeptRegressor,
    LanguageModelling.kind: KeptLanguageModel,
}
"""What becomes of a network, by the kind of its task."""


def load(path: str | Path) -> KeptNetwork:
    """Return a kept network; neither data nor environment nor study are needed.

    Args:
        path: Its folder, or the folder of a run, whose winner is meant.

    Raises:
        KeptNetworkError: If there is none, or it is damaged or of another version.
    """
    folder = find_folder(path)
    description, weights = read_folder(folder)
    if description.task not in KINDS:
        raise KeptNetworkError(f"{folder} has the unknown task {description.task!r}")
    return KINDS[description.task].of(description, weights)
