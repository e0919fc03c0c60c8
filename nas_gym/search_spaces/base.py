"""The interface of a search space, and what every one of them can do."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.diagram import Block

if TYPE_CHECKING:
    from torch import nn

Module: TypeAlias = "nn.Module"
"""A network in PyTorch, which is imported when one is built."""
MAX_LISTED = 40
"""Tokens that an error names."""


@dataclass(frozen=True, slots=True)
class NetworkSize:
    """What a network costs, computed from its description.

    Attributes:
        parameters: Number of trained values.
        multiply_adds: Multiplications with a weight, for one sample.
        activations: Values that convolutions and linear layers compute for one sample, ``None`` where they
            are not counted. They tell more of the time than multiply-adds where memory is what takes it:
            Radosavovic et al. 2020, https://arxiv.org/abs/2003.13678.
    """

    parameters: int
    multiply_adds: int
    activations: int | None = None


class SearchSpace(ABC):
    """A language whose sentences are networks.

    A sentence is a sequence of token indices; it is built from left to right, and after each prefix
    ``legal_next`` says which tokens may follow. Every sentence made of legal tokens names a network
    that can be built. A search space knows nothing of data, training or agents.

    A subclass has to say ``legal_next``, ``count`` and ``diagram``. If its networks are trained, it says as
    well which samples they read (``check_inputs``), what they cost (``size``) and how they are built
    (``build``).

    Attributes:
        id: Versioned name, for example ``"mlp-v0"``.
        reads_sequences: Whether what is built is a recurrent layer, which reads one sample after another.
        tokens: Readable names; the position in this tuple is the token's index.
        end_token: The token that ends a sentence and is no layer, or ``None`` if there is none. Where another
            layer may begin it is legal, too, from ``min_layers`` on: a depth schedule relies on that.
        min_layers: Smallest number of layers.
        max_length: Largest number of tokens in a sentence, the end token included.
    """

    id: ClassVar[str]
    reads_sequences: ClassVar[bool] = False
    tokens: tuple[str, ...]
    end_token: str | None
    min_layers: int = 1
    max_length: int

    @property
    def arguments(self) -> dict[str, object]:
        """What the constructor must be given to make an equal space, in JSON's types; by default nothing."""
        return {}

    @abstractmethod
    def legal_next(self, prefix: Sequence[int]) -> NDArray[np.bool_]:
        """Say which tokens may follow a legal prefix.

        Args:
            prefix: Token indices so far, each legal where it stands.

        Returns:
            Bool array of shape ``(len(tokens),)``, all ``False`` exactly when the sentence is complete.
        """

    @abstractmethod
    def count(self) -> int:
        """Return the number of complete sentences, that is, of networks."""

    @abstractmethod
    def diagram(self, tokens: Sequence[str]) -> tuple[Block, ...]:
        """Lay out a legal prefix, given as token names, for drawing."""

    @property
    def layer_tokens(self) -> NDArray[np.bool_]:
        """Which tokens add or begin a layer, shape ``(len(tokens),)``: by default all but the end token."""
        return np.array([name != self.end_token for name in self.tokens])

    @property
    def variant(self) -> str:
        """Name of what is built otherwise than by default from the same sentences; usually nothing is."""
        return ""

    @property
    def drawing_ends(self) -> tuple[str, str]:
        """What a drawing says at its two ends: what a network reads, and what it answers."""
        return "input", "classes"

    @property
    def drawing_columns(self) -> int:
        """How many columns the largest ``diagram`` takes: by default one for each token of a sentence."""
        return self.max_length

    @property
    def drawing_rows(self) -> int:
        """How many blocks the largest ``diagram`` has above one another: by default so few that they fit."""
        return 1

    def check_inputs(self, inputs: tuple[int, ...]) -> None:
        """Refuse samples that this space's networks cannot read; by default all are accepted.

        Args:
            inputs: Shape of one sample.

        Raises:
            InvalidArgumentError: If a network of this space cannot be built for such samples.
        """
        return

    def size(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> NetworkSize | None:
        """Compute what a network costs without building it; ``None`` where that is not known.

        Args:
            architecture: An architecture of this space.
            inputs: Shape of one sample.
            outputs: Number of values that the network answers a sample with.
        """
        return None

    def refuses(self, architecture: Architecture) -> str | None:
        """Say in one line why a network shall not be trained, as a complete sentence alone tells.

        It is legal all the same, and ``build`` builds it: for an agent it is a child that fails without
        costing anything. By default nothing is refused.
        """
        return None

    def canonical(self, architecture: Architecture) -> Architecture:
        """Return the one architecture that stands for all that mean the same network; by default itself.

        Weights apart: a child's seed follows from its own text, so that equal networks of other texts are
        other children.
        """
        return architecture

    def build(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> Module:
        """Build a network, its parameters not yet initialised; by default there is none to build.

        Whoever trains it draws the parameters: so PyTorch's global random generator is left alone. PyTorch
        is imported here and not with the space.

        Args:
            architecture: An architecture of this space.
            inputs: Shape of one sample, one that ``check_inputs`` accepts.
            outputs: Number of values that the network answers a sample with.

        Returns:
            A module that reads a batch of samples; it has as many parameters as ``size`` says.

        Raises:
            InvalidArgumentError: If networks of this space are not trained but looked up.
        """
        raise InvalidArgumentError(f"networks of {self.id} are not built: results are looked up in a table")

    def legal_next_batch(self, sentences: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Answer ``legal_next`` for many prefixes at once; spaces override it where they can be faster.

        Args:
            sentences: Token indices, shape ``(n, max_length)``; a row counts up to its length.
            lengths: Lengths of the prefixes, shape ``(n,)``.

        Returns:
            Bool array of shape ``(n, len(tokens))``.
        """
        rows = zip(sentences, lengths, strict=True)
        return np.stack([self.legal_next(row[:length].tolist()) for row, length in rows])

    def is_complete(self, prefix: Sequence[int]) -> bool:
        """Say whether nothing may follow a legal prefix."""
        return not self.legal_next(prefix).any()

    def decode(self, sentence: Sequence[int]) -> Architecture:
        """Read a complete sentence of token indices.

        Raises:
            InvalidArchitectureError: If a token is illegal where it stands, or the sentence is unfinished.
        """
        legal = self._legal_after(sentence)
        if legal.any():
            raise InvalidArchitectureError(
                f"the sentence of {self.id} is unfinished after {len(sentence)} tokens; "
                f"next may come: {self._names(legal)}"
            )
        return self.architecture(sentence)

    def architecture(self, sentence: Sequence[int]) -> Architecture:
        """Read a sentence that is known to be legal and complete, without checking it again."""
        names = tuple(self.tokens[token] for token in sentence)
        return Architecture(self.id, names[:-1] if names[-1] == self.end_token else names)

    def encode(self, architecture: Architecture) -> tuple[int, ...]:
        """Return the sentence of an architecture, the inverse of ``decode``.

        Raises:
            InvalidArchitectureError: If the architecture is not one of this space.
        """
        if architecture.search_space != self.id:
            raise InvalidArchitectureError(
                f"an architecture of {architecture.search_space!r} came, {self.id!r} is needed"
            )
        unknown = [name for name in architecture.tokens if name not in self.tokens]
        if unknown:
            raise InvalidArchitectureError(
                f"{unknown[0]!r} is no token of {self.id}; tokens: {_listed(self.tokens)}"
            )
        sentence = tuple(self.tokens.index(name) for name in architecture.tokens)
        if self.end_token is not None:
            end = self.tokens.index(self.end_token)
            # One that is written already is no part of an architecture: a second one has it refused.
            if sentence[-1:] == (end,) or self._legal_after(sentence).any():
                sentence += (end,)
        self.decode(sentence)
        return sentence

    def parse(self, text: str) -> Architecture:
        """Read an architecture from its text form.

        Raises:
            InvalidArchitectureError: If the text names no network of this space.
        """
        names = tuple(text.split())
        if len(names) > self.max_length:
            raise InvalidArchitectureError(
                f"a sentence of {self.id} has at most {self.max_length} tokens, {len(names)} came"
            )
        architecture = Architecture(self.id, names)
        self.encode(architecture)
        return architecture

    def enumerate(self) -> Iterator[Architecture]:
        """Yield every architecture once, sentences in lexicographic order of their token indices."""

        def extend(prefix: tuple[int, ...]) -> Iterator[Architecture]:
            legal = np.flatnonzero(self.legal_next(prefix)).tolist()
            if not legal:
                yield self.architecture(prefix)
            for token in legal:
                yield from extend((*prefix, token))

        return extend(())

    def _legal_after(self, sentence: Sequence[int]) -> NDArray[np.bool_]:
        """Say what may follow a sentence, and refuse a token that is illegal where it stands."""
        for position, token in enumerate(sentence):
            legal = self.legal_next(sentence[:position])
            if not (0 <= token < len(self.tokens) and legal[token]):
                name = self.tokens[token] if 0 <= token < len(self.tokens) else f"token {token}"
                raise InvalidArchitectureError(
                    f"{name!r} cannot stand at position {position + 1} of a sentence of {self.id}; "
                    f"allowed there: {self._names(legal)}"
                )
        return self.legal_next(sentence)

    def _names(self, legal: NDArray[np.bool_]) -> str:
        return _listed(np.array(self.tokens)[legal].tolist()) or "nothing, the sentence is complete"


def _listed(names: Sequence[str]) -> str:
    """Return names for an error: of hundreds of tokens the first, which show the pattern."""
    more = len(names) - MAX_LISTED
    return " ".join(names[:MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
