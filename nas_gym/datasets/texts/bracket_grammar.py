"""A stochastic grammar of nested brackets, whose entropy is known exactly."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from nas_gym import checks
from nas_gym.datasets.texts.corpus import Tokens

BRACKETS = "()[]{}<>"
MAX_DEPTH = 100


@dataclass(frozen=True)
class BracketGrammar:
    """Random brackets: a Dyck language of bounded depth, written by a Markov chain of stacks.

    With no bracket open, one is opened; with ``max_depth`` open, the innermost is closed; between, one is
    opened with probability ``opening``. All kinds of brackets are opened equally often. What closes must
    fit what was opened: who predicts well has to remember every open bracket.

    Tokens alternate: ``2 * kind`` opens a bracket, ``2 * kind + 1`` closes it.

    Attributes:
        kinds: Kinds of brackets, 1 to 4.
        max_depth: Most brackets that are open at once, 1 to 100.
        opening: Probability of opening a bracket where closing one is allowed, too; above 0, below 1.

    Raises:
        InvalidArgumentError: If an attribute is out of range.
    """

    kinds: int = 4
    max_depth: int = 6
    opening: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what is no grammar."""
        keep = object.__setattr__
        for name, value, largest in (
            ("kinds", self.kinds, len(BRACKETS) // 2),
            ("max_depth", self.max_depth, MAX_DEPTH),
        ):
            keep(self, name, checks.integer(name, value, 1, largest))
        allowed = "a number between 0 and 1"
        keep(self, "opening", checks.number("opening", self.opening, allowed, above=0, below=1))

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What the tokens read."""
        return tuple(BRACKETS[: 2 * self.kinds])

    @cached_property
    def stationary(self) -> NDArray[np.float64]:
        """Share of time that each number of brackets is open, float64, shape ``(max_depth + 1,)``.

        The depth is a birth-death chain: as often as it rises from ``d``, it falls from ``d + 1``.
        """
        opening = self._opening_by_depth
        logarithms = np.cumsum(np.log(opening[:-1]) - np.log1p(-opening[1:]))
        shares = np.exp(np.append(0.0, logarithms) - max(0.0, logarithms.max()))
        return np.asarray(shares / shares.sum())

    @cached_property
    def entropy_rate(self) -> float:
        """Mean uncertainty of the next token for who knows all before it, in nats per token.

        The stack follows from the tokens before, so this is the mean over depths of the entropy of
        opening or closing, and of the kind if one is opened. No predictor has a lower cross entropy in
        the long run.
        """
        p = self._opening_by_depth
        return float(self.stationary @ (entr(p) + entr(1 - p) + p * math.log(self.kinds)))

    def sample(self, tokens: int, generator: np.random.Generator) -> Tokens:
        """Write brackets, beginning with none open; the end may leave some open.

        Args:
            tokens: How many; what fewer begin with is what more begin with.
            generator: Where the randomness comes from.

        Returns:
            int32, shape ``(tokens,)``.
        """
        draws = generator.random((tokens, 2)).tolist()
        written: list[int] = []
        stack: list[int] = []
        for opens, kind in draws:
            if not stack or (len(stack) < self.max_depth and opens < self.opening):
                stack.append(int(kind * self.kinds))
                written.append(2 * stack[-1])
            else:
                written.append(2 * stack.pop() + 1)
        return np.array(written, dtype=np.int32)

    @property
    def _opening_by_depth(self) -> NDArray[np.float64]:
        opening = np.full(self.max_depth + 1, float(self.opening))
        opening[0], opening[-1] = 1.0, 0.0
        return opening
