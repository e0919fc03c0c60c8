"""All that is known of a kept network, beside its weights."""

from collections.abc import Mapping
from dataclasses import dataclass

from nas_gym.tasks.interface import Interface

FORMAT = 1
"""Version of the folder's format; another one is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What stands in ``model.json``.

    Attributes:
        format: See ``FORMAT``.
        task: Kind of the task, for example ``"classification"``.
        env: Id of the environment.
        search_space: Id of the search space.
        space_arguments: What makes an equal one.
        architecture: Its text form.
        interface: What the network reads and what its outputs mean.
        scores: Values of the metric in the report, by part of the data and by name of the metric.
        data: Id of what it learned.
        recipe: Id of how.
        seed: Of this training.
        weights_sha256: Of the file of weights, in hexadecimal digits.
        versions: Of the packages that trained it.
    """

    format: int = FORMAT
    task: str
    env: str
    search_space: str
    space_arguments: Mapping[str, object]
    architecture: str
    interface: Interface
    scores: Mapping[str, Mapping[str, float]]
    data: str
    recipe: str
    seed: int
    weights_sha256: str = ""
    versions: Mapping[str, str]
