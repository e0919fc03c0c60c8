"""The architecture: the value that the rooms of nas_gym hand to one another."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Architecture:
    """A complete network description: a search space's id and the tokens of its layers.

    Two architectures are equal when both parts are equal. ``str(architecture)`` is its key, for
    example ``"Linear-8 Tanh Linear-8 ReLU"``, and ``SearchSpace.parse`` reads it back.

    Attributes:
        search_space: Id of the search space, for example ``"mlp-v0"``.
        tokens: Names of the tokens in order, without the end token.
    """

    search_space: str
    tokens: tuple[str, ...]

    def __str__(self) -> str:
        """Return the token names, separated by single blanks."""
        return " ".join(self.tokens)
