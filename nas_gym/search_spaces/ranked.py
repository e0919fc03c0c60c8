"""Search spaces whose architectures are numbered, so that a table needs no names, only rows."""

from abc import abstractmethod
from functools import cached_property
from typing import Any

from nas_gym.errors import InvalidArchitectureError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace


class RankedSpace(SearchSpace):
    """A finite search space that knows the position of an architecture in ``enumerate()``, and back.

    It holds for languages in which the position alone decides on the layers that may follow: either all
    sentences have ``max_length`` layers, or the end token is the last of the tokens and may stand anywhere
    but at the start. Then all prefixes of one length begin equally many sentences, and the rank of a sentence
    is the sum of the numbers of its tokens, each times the place value of its position, as in a number.
    """

    @property
    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """What the constructor must be given to make an equal space, in JSON's types."""

    def layers_at(self, position: int) -> range:
        """Return the indices of the layers that may stand at a position, by default all."""
        return range(len(self.tokens) - (self.end_token is not None))

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
