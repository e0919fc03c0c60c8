"""Search spaces whose architectures are numbered, so that a table needs no names, only rows."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nas_gym.errors import InvalidArchitectureError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace


class RankedSpace(SearchSpace):
    """A finite search space that knows the position of an architecture in ``enumerate()``, and back.

    In its language the position alone decides on the layers that may follow (``layers_at``): either all
    sentences have ``max_length`` layers, or the end token is the last of the tokens and may stand anywhere
    but at the start. Then all prefixes of one length begin equally many sentences, and the rank of a sentence
    is the sum of the numbers of its tokens, each times the place value of its position, as in a number.
    """

    @property
    @abstractmethod
    def arguments(self) -> dict[str, object]:
        """What the constructor must be given to make an equal space, in JSON's types."""

    def layers_at(self, position: int) -> range:
        """Return the indices of the layers that may stand at a position, by default all."""
        return range(len(self.tokens) - (self.end_token is not None))

    @cached_property
    def _masks(self) -> NDArray[np.bool_]:
        """What may follow: a row for each number of layers; after ``max_length`` of them, nothing may."""
        masks = np.zeros((self.max_length + 1, len(self.tokens)), dtype=np.bool_)
        for position in range(self.max_length):
            masks[position, self.layers_at(position)] = True
        if self.end_token is not None:
            masks[1:-1, -1] = True
        return masks

    def _has_ended(self, prefix: Sequence[int]) -> bool:
        return self.end_token is not None and len(prefix) > 0 and prefix[-1] == len(self.tokens) - 1

    def legal_next(self, prefix: Sequence[int]) -> NDArray[np.bool_]:
        """Say which tokens may follow: the layers of that position, and the end after the first layer."""
        return np.array(self._masks[self.max_length if self._has_ended(prefix) else len(prefix)])

    def legal_next_batch(self, sentences: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Answer ``legal_next`` for every row."""
        if self.end_token is None:
            return self._masks[lengths]
        last = sentences[np.arange(len(lengths)), lengths - 1]
        ended = (lengths > 0) & (last == len(self.tokens) - 1)
        return self._masks[np.where(ended, self.max_length, lengths)]

    def is_complete(self, prefix: Sequence[int]) -> bool:
        """Say whether the prefix has the largest length or ends with the end token."""
        return len(prefix) == self.max_length or self._has_ended(prefix)

    def count(self) -> int:
        """Return the number of architectures."""
        return len(self.layers_at(0)) * self.place_values[0]

    @cached_property
    def place_values(self) -> tuple[int, ...]:
        """How many sentences begin with the same ``position + 1`` layers, for each position."""
        ending = int(self.end_token is not None)
        values = [1]
        for position in range(self.max_length - 1, 0, -1):
            values.append(len(self.layers_at(position)) * values[-1] + ending)
        return tuple(reversed(values))

    @cached_property
    def _summands(self) -> tuple[dict[str, int], ...]:
        """What each layer adds to the rank, for each position."""
        return tuple(
            {self.tokens[layer]: number * value for number, layer in enumerate(self.layers_at(position))}
            for position, value in enumerate(self.place_values)
        )

    @cached_property
    def _endings(self) -> tuple[int, ...]:
        """What the end adds to the rank after so many layers, 0 if the sentence needs no end token."""
        if self.end_token is None:
            return (0,) * (self.max_length + 1)
        values = enumerate(self.place_values)
        return (*(len(self.layers_at(position)) * value for position, value in values), 0)

    def rank(self, architecture: Architecture) -> int:
        """Return the position of an architecture in ``enumerate()``, from 0.

        Raises:
            InvalidArchitectureError: If the architecture is not one of this space.
        """
        length = len(architecture.tokens)
        shortest = self.max_length if self.end_token is None else 1
        if architecture.search_space == self.id and shortest <= length <= self.max_length:
            try:
                rank = self._endings[length]
                for name, summands in zip(architecture.tokens, self._summands, strict=False):
                    rank += summands[name]
                return rank
            except KeyError:
                pass
        self.encode(architecture)  # says what is wrong
        raise InvalidArchitectureError(f"{architecture} is no architecture of {self.id}")

    def unrank(self, rank: int) -> Architecture:
        """Return the architecture at a position of ``enumerate()``, the inverse of ``rank``.

        Raises:
            InvalidArchitectureError: If there is no such position.
        """
        if not 0 <= rank < self.count():
            raise InvalidArchitectureError(
                f"{self.id} has the ranks 0 to {self.count() - 1} with these arguments, got {rank}"
            )
        names = []
        for position, value in enumerate(self.place_values):
            number, rank = divmod(rank, value)
            layers = self.layers_at(position)
            if number == len(layers):  # the end token
                break
            names.append(self.tokens[layers[number]])
        return Architecture(self.id, tuple(names))
