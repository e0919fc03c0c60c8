"""From a folder to a network that can be used."""

from pathlib import Path

from nas_gym.errors import KeptNetworkError
from nas_gym.kept.ensemble import KeptEnsemble
from nas_gym.kept.folder import ENSEMBLE, find_folder, read_folder
from nas_gym.kept.language_model import KeptLanguageModel
from nas_gym.kept.network import KeptNetwork
from nas_gym.kept.samples import KeptClassifier, KeptRegressor
from nas_gym.kept.table_model import TableModel, is_table_model
from nas_gym.tasks.classification import Classification
from nas_gym.tasks.language_modelling import LanguageModelling
from nas_gym.tasks.regression import Regression

KINDS: dict[str, type[KeptNetwork]] = {
    Classification.kind: KeptClassifier,
    Regression.kind: KeptRegressor,
    LanguageModelling.kind: KeptLanguageModel,
}
"""What becomes of a network, by the kind of its task."""


def load(path: str | Path) -> KeptNetwork | TableModel:
    """Return what a search has left to be used; neither data nor environment nor study are needed.

    Args:
        path: The folder of a network, an ensemble or a table's model, or of a run or a fit, whose winner is
            meant.

    Raises:
        KeptNetworkError: If there is none, or it is damaged or of another version.
    """
    return TableModel.load(path) if is_table_model(path) else load_network(path)


def load_network(path: str | Path) -> KeptNetwork:
    """Return a kept network, see ``load``.

    Raises:
        KeptNetworkError: If there is none, or it is damaged or of another version.
    """
    folder = find_folder(path)
    if (folder / ENSEMBLE).is_file():
        return KeptEnsemble.read(folder)
    description, weights = read_folder(folder)
    if description.task not in KINDS:
        raise KeptNetworkError(f"{folder} has the unknown task {description.task!r}")
    return KINDS[description.task].of(description, weights)
