"""A text to learn a language model of, with its frozen split."""

import hashlib
import json
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from nas_gym import checks
from nas_gym.errors import InvalidDataError

if TYPE_CHECKING:
    from nas_gym.datasets.texts.reading import TextReading

Splitting = Literal["words", "characters", "characters of words"]
Tokens = NDArray[np.int32]
"""A stream of tokens in the order of the text, shape ``(tokens,)``; each is an index into the vocabulary."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """A task of predicting each token from those before it, split once and for all into three streams.

    The parts are streams of their own: no part continues another one, and a model's state is reset
    between them. As with ``Dataset``, whoever searches gets ``without_test()``.

    Attributes:
        id: Versioned name and the arguments that made it.
        train: What a child learns from, int32, shape ``(tokens,)``.
        validation: What a child is judged on during the search, as ``train``.
        test: What a finished search is judged on, or ``None`` where it is locked away.
        vocabulary: What the tokens read, all different: token ``t`` is ``vocabulary[t]``.
        unit: What a token is, ``"word"``, ``"character"`` or ``"bracket"``: says whether perplexities are by
            word, and whether bits per character have a meaning.
        source: Where the text comes from.
        licence: Terms of use.
        entropy_rate: Least cross entropy that any predictor can have in the long run, in nats per token;
            ``None`` where nobody knows it, as for every natural language.
        split: How text becomes tokens, ``None`` where tokens are all there is.

    Raises:
        InvalidDataError: If a part has no token to predict, or one that is not in the vocabulary.
    """

    id: str
    train: Tokens
    validation: Tokens
    test: Tokens | None
    vocabulary: tuple[str, ...]
    unit: str
    source: str
    licence: str
    entropy_rate: float | None = None
    split: Splitting | None = None

    def __post_init__(self) -> None:
        """Refuse text that nothing can be learned from."""
        if len(self.vocabulary) < 2:
            raise InvalidDataError(
                f"the vocabulary of {self.id} has {len(self.vocabulary)} tokens, at least 2 are needed"
            )
        if len(set(self.vocabulary)) < len(self.vocabulary):
            raise InvalidDataError(f"the vocabulary of {self.id} holds a token twice")
        for name, tokens in self._parts().items():
            if tokens.ndim != 1 or tokens.dtype != np.int32:
                raise InvalidDataError(
                    f"the {name} part of {self.id} must be int32 of shape (tokens,), "
                    f"got {tokens.dtype} of shape {tokens.shape}"
                )
            if len(tokens) < 2:
                raise InvalidDataError(
                    f"the {name} part of {self.id} has {len(tokens)} tokens, "
                    "at least 2 are needed: one to read, one to predict"
                )
            if tokens.min() < 0 or tokens.max() >= len(self.vocabulary):
                raise InvalidDataError(
                    f"tokens in the {name} part of {self.id} must be from 0 to {len(self.vocabulary) - 1}, "
                    f"got {tokens.min()} to {tokens.max()}"
                )

    def without_test(self) -> "Corpus":
        """Return the corpus with its test part locked away."""
        return replace(self, test=None)

    @property
    def reading(self) -> "TextReading":
        """How text becomes what a model reads, for use without the corpus.

        Raises:
            InvalidDataError: If only tokens are known.
        """
        from nas_gym.datasets.texts.reading import TextReading  # it reads tokens, which are defined here

        if self.split is None:
            raise InvalidDataError(f"{self.id} does not say how text becomes its tokens")
        return TextReading(self.split, self.vocabulary)

    @property
    def best_perplexity(self) -> float | None:
        """Perplexity of the best predictor there can be, ``exp(entropy_rate)``; ``None`` if unknown."""
        return None if self.entropy_rate is None else math.exp(self.entropy_rate)

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over the vocabulary and all parts present, in hexadecimal digits."""
        digest = hashlib.sha256(json.dumps(self.vocabulary).encode())
        for tokens in self._parts().values():
            digest.update(len(tokens).to_bytes(8, "little"))  # else a token could change parts unseen
            digest.update(np.ascontiguousarray(tokens).tobytes())
        return digest.hexdigest()

    @property
    def test_checksum(self) -> str | None:
        """SHA-256 over the vocabulary and the test part alone, ``None`` without one."""
        return None if self.test is None else replace(self, train=self.test, validation=self.test).checksum

    def _parts(self) -> dict[str, Tokens]:
        parts = {"training": self.train, "validation": self.validation, "test": self.test}
        return {name: tokens for name, tokens in parts.items() if tokens is not None}


def beginning(name: str, tokens: Tokens, count: int | None) -> Tokens:
    """Return the first tokens of a part: low fidelity by less text.

    Args:
        name: Name of the argument, for errors.
        tokens: The part, int32, shape ``(tokens,)``.
        count: How many tokens to keep, ``None`` for all.

    Returns:
        A copy, so that no part holds on to the memory of another.

    Raises:
        InvalidArgumentError: If there are not that many, or fewer than 2 are asked for.
    """
    return tokens[: checks.optional_integer(name, count, 2, len(tokens))].copy()
