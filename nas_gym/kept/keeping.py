"""From a task and what training left to what a folder says of a network."""

import platform
from collections.abc import Mapping
from importlib.metadata import version

from nas_gym.errors import KeptNetworkError
from nas_gym.kept.description import Description
from nas_gym.search_spaces import SEARCH_SPACES
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.base import AnyData, AnyRecipe, Task

PACKAGES = ("nas-gym", "numpy", "torch")


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
    """Return what is written down of a trained network.

    Args:
        task: What it learned.
        search_space: One of ``SEARCH_SPACES``.
        architecture: Which network of it.
        scores: What the report says of its weights, by part of the data and name of the metric.
        env: Id of the environment.
        seed: Of the training.
        rung: Of the training.

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
