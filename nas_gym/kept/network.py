"""What every kept network can do, whatever it learned."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from nas_gym.errors import KeptNetworkError, NasGymError
from nas_gym.kept.description import Description
from nas_gym.search_spaces import SEARCH_SPACES
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.device import alone

Raw: TypeAlias = ArrayLike | str | Path | Sequence[str | Path]
"""What a network is asked about: arrays, a text, files; see ``read`` of its ``interface.reading``."""
Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class OnnxForm:
    """A network as a module of tensors alone, for other programs.

    Attributes:
        module: From tensors to tensors.
        inputs: An example of each input by name; all have a batch axis.
        outputs: Names of the outputs.
        batch_axes: For each input and output, which of its axes is the batch.
        feedback: Which input each output is to become in the next step, for a network with a state.
    """

    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: Sequence[str]
    batch_axes: Mapping[str, int]
    feedback: Mapping[str, str]


class KeptNetwork(ABC):
    """A trained network with all that is needed to use it.

    Attributes:
        description: What is known of it.
        module: The network in evaluation mode. It reads raw numbers: what images are normalised with is part
            of it.
    """

    def __init__(self, description: Description, module: nn.Module) -> None:
        self.description = description
        self.module = module.eval()

    @classmethod
    def of(cls, description: Description, weights: Mapping[str, Tensor]) -> Self:
        """Build the network and give it its weights.

        Raises:
            KeptNetworkError: If search space, architecture and weights do not fit one another.
        """
        try:
            space = make_space(description)
            with alone():
                network = cls.build(description, space, space.parse(description.architecture))
                network.load_state_dict(weights)
                module = cls.around(description, network)
        except (NasGymError, TypeError, RuntimeError) as error:
            raise KeptNetworkError(
                f"{description.architecture} cannot be built again: {' '.join(str(error).split())}"
            ) from None
        return cls(description, module)

    @classmethod
    @abstractmethod
    def build(
        cls, description: Description, search_space: SearchSpace, architecture: Architecture
    ) -> nn.Module:
        """Build what was trained, its parameters not yet initialised."""

    @classmethod
    def around(cls, description: Description, network: nn.Module) -> nn.Module:
        """Return what reads raw numbers; by default the network does."""
        return network

    @property
    def architecture(self) -> Architecture:
        """What it is made of."""
        return make_space(self.description).parse(self.description.architecture)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes in the order of ``predict_proba``'s columns; empty if there are none."""
        return self.description.interface.classes

    @property
    def scores(self) -> Mapping[str, Mapping[str, float]]:
        """What the report says of it, by part of the data, ``validation`` or ``test``, and metric."""
        return self.description.scores

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        return next((each.device for each in self.module.parameters()), torch.device("cpu"))

    @abstractmethod
    def predict(self, raw: Raw) -> NDArray[np.str_] | NDArray[np.float64]:
        """Return what the network says."""

    def predict_proba(self, raw: Raw) -> Probabilities:
        """Return the probability of each answer.

        Raises:
            KeptNetworkError: If its answers are numbers.
        """
        raise KeptNetworkError("what answers with numbers has no probabilities")

    @abstractmethod
    def onnx_form(self, raw: Raw | None = None) -> OnnxForm:
        """Return the network for other programs, with examples of its input: ``raw``, or random ones."""

    def __repr__(self) -> str:
        """Say what it is, where it learned, and how well."""
        known = self.description
        return f"{type(self).__name__}({known.architecture!r}, {known.env}, {dict(known.scores)})"


def make_space(description: Description) -> SearchSpace:
    """Return the search space of a kept network.

    Raises:
        KeptNetworkError: If there is none with this id.
    """
    kind = SEARCH_SPACES.get(description.search_space)
    if kind is None:
        raise KeptNetworkError(
            f"unknown search space {description.search_space!r}; there are {', '.join(SEARCH_SPACES)}"
        )
    return kind(**description.space_arguments)
