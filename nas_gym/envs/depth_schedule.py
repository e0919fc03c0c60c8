"""Searching among shallow networks first, then among deeper and deeper ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas_gym.checks import integer
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.base import SearchSpace


@dataclass(frozen=True, slots=True)
class DepthSchedule:
    """How many layers a network may have, by how many networks were evaluated before it.

    Paper: Zoph & Le 2016, https://arxiv.org/abs/1611.01578, section 4.1: 6 layers at first, and two more
    after every 1,600 architectures.

    Attributes:
        initial_layers: Largest number of layers at the beginning.
        layers_per_growth: How many more are allowed at each growth.
        architectures_per_growth: How many networks are evaluated between two growths.

    Raises:
        InvalidArgumentError: If a value is no positive integer.
    """

    initial_layers: int
    layers_per_growth: int = 2
    architectures_per_growth: int = 1600

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        for name in self.__slots__:
            object.__setattr__(self, name, integer(name, getattr(self, name), 1))

    def layers(self, evaluated: int) -> int:
        """Return how many layers a network may have that is begun after so many were evaluated."""
        return self.initial_layers + evaluated // self.architectures_per_growth * self.layers_per_growth


class DepthLimit:
    """Takes the tokens out of masks that would make a network too deep.

    Args:
        schedule: How many layers are allowed, and when.
        search_space: Whose tokens they are.

    Raises:
        InvalidArgumentError: If sentences of the search space cannot end that early.
    """

    def __init__(self, schedule: DepthSchedule, search_space: SearchSpace) -> None:
        if search_space.end_token is None:
            raise InvalidArgumentError(
                f"initial_layers needs a search space whose sentences may end early, "
                f"those of {search_space.id} have no end token"
            )
        if schedule.initial_layers < search_space.min_layers:
            raise InvalidArgumentError(
                f"initial_layers must be at least {search_space.min_layers}, the smallest number of layers "
                f"of {search_space.id} with these arguments, got {schedule.initial_layers}"
            )
        self.schedule = schedule
        self._adds_layer = search_space.layer_tokens
        self._adds_layer_by_entry = np.concatenate([[False], self._adds_layer])

    def restrict(
        self, legal: NDArray[np.bool_], observations: NDArray[np.int64], layers: NDArray[np.int64] | int
    ) -> NDArray[np.bool_]:
        """Return masks without the layers for which a sentence has no more room.

        Args:
            legal: What the search space allows, shape ``(V,)``, or ``(n, V)`` for many sentences.
            observations: The sentences as observed, shape ``(max_length,)`` or ``(n, max_length)``.
            layers: How many layers each may have, a number or shape ``(n,)``.
        """
        full = np.asarray(self._adds_layer_by_entry[observations].sum(axis=-1) >= layers)
        restricted: NDArray[np.bool_] = legal & ~(self._adds_layer & full[..., None])
        return restricted
