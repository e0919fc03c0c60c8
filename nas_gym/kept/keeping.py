"""From a task and what training left to a folder."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from nas_gym.errors import KeptNetworkError
from nas_gym.kept.description import Description
from nas_gym.kept.folder import write_folder
from nas_gym.search_spaces import SEARCH_SPACES
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.base import AnyData, AnyRecipe, Task

if TYPE_CHECKING:
    from torch import Tensor

PACKAGES = ("nas-gym", "numpy", "torch")


def keep(
    path: Path,
    task: Task[AnyData, AnyRecipe],
    search_space: SearchSpace,
    architecture: Architecture,
    weights: "Mapping[str, Tensor]",
    scores: Mapping[str, Mapping[str, float]],
    *,
    env: str = "",
    seed: int = 0,
    rung: int = -1,
) -> None:
    """Write a trained network to a folder, whole or not at all.

    Args:
        path: The folder; a kept network that is there is replaced.
        task: What it learned.
        search_space: One of ``SEARCH_SPACES``.
        architecture: Which network of it.
        weights: State of the module that ``task.build`` builds, by name.
        scores: What the report says of these weights, by part of the data and name of the metric.
        env: Id of the environment.
        seed: Of the training.
        rung: Of the training.

    Raises:
        KeptNetworkError: If nobody could build it again, or the folder cannot be written.
        InvalidArgumentError: If networks of this task cannot be kept.
    """
    description = describe(task, search_space, architecture, scores, env=env, seed=seed, rung=rung)
    write_folder(path, description, weights)


def describe(
    task: Task[AnyData, AnyRecipe],
    search_space: SearchSpace,
    architecture: Architecture,
    scores: Mapping[str, Mapping[str, float]],
    *,
    env: str = "",
    seed: int = 0,
    rung: int = -1,
) -> Description:
    """Return what is written down of a trained network, see ``keep``.

    Raises:
        KeptNetworkError: If nobody could build it again.
        InvalidArgumentError: If networks of this task cannot be kept.
    """
    if SEARCH_SPACES.get(search_space.id) is not type(search_space):
        raise KeptNetworkError(
            f"{search_space.id} is not among nas_gym's search spaces: nobody could load it"
        )
    return Description(
        task=task.kind,
        env=env,
        search_space=search_space.id,
        space_arguments=search_space.arguments,
        architecture=str(architecture),
        interface=task.interface(rung),
        scores=scores,
        data=task.data_of(rung).id,
        recipe=task.recipe_id(search_space, rung),
        seed=seed,
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    )
