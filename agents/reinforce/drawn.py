"""What was drawn already, so that nothing is drawn twice."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agents.replay import Sentence


class DrawnSentences:
    """The tree of all sentences drawn so far: which prefixes are known, and what is new behind them.

    It relies on masks that depend on the prefix alone, but for masks that widen in the course of a search: a
    sentence that shows it opens what has become legal.

    Attributes:
        sentences: All of them, in the order in which they were drawn.
    """

    def __init__(self) -> None:
        self.sentences: list[Sentence] = []
        self._legal: dict[tuple[int, ...], NDArray[np.bool_]] = {}
        self._open: dict[tuple[int, ...], NDArray[np.bool_]] = {}

    @property
    def exhausted(self) -> bool:
        """Whether every sentence there is was drawn."""
        return () in self._open and not self._open[()].any()

    def add(self, sentences: Sequence[Sentence]) -> None:
        """Take in sentences; a branch whose sentences have all come is closed."""
        self.sentences.extend(sentences)
        for sentence in sentences:
            actions = sentence.actions
            for step in range(len(actions)):
                prefix, mask = actions[:step], sentence.masks[step]
                if prefix not in self._legal:
                    self._legal[prefix] = mask
                    self._open[prefix] = mask.copy()
                elif (widened := mask & ~self._legal[prefix]).any():
                    self._legal[prefix] = self._legal[prefix] | mask
                    self._open[prefix] |= widened
                    for earlier in range(step):
                        self._open[actions[:earlier]][actions[earlier]] = True
            for step in reversed(range(len(actions))):
                self._open[actions[:step]][actions[step]] = False
                if self._open[actions[:step]].any():
                    break

    def legal(self, prefix: tuple[int, ...]) -> NDArray[np.bool_] | None:
        """Return what may follow a prefix, shape ``(V,)``; ``None`` where none was drawn."""
        return self._legal.get(prefix)

    def open(self, prefix: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return after which actions there are new sentences behind a known prefix, shape ``(V,)``."""
        return self._open[prefix]

    def exit_of(self, actions: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the shortest beginning of a sentence with which no drawn one begins.

        Returns:
            ``None`` where there is none: the sentence or a beginning of it was drawn, or is illegal.
        """
        for step, action in enumerate(actions):
            legal = self._legal.get(actions[:step])
            if legal is None:
                return actions[:step]
            if not self._open[actions[:step]][action]:
                return None
        return actions if actions not in self._legal else None
