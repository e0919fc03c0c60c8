"""What may follow a prefix that nobody has written yet?"""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from agents.replay import Sentence


class ExpectedMasks:
    """Guesses the masks of unseen prefixes from those of prefixes that end alike.

    An environment shows a mask only where an episode passes. To imagine sentences without playing them, a
    mask is expected to be what was legal after prefixes with the same last tokens at the same position, or,
    where there were none, with fewer of these in common. A guess may be wrong: whoever plays what was
    imagined has to repair it by the true masks.

    Args:
        num_actions: Number of actions, V.
    """

    def __init__(self, num_actions: int) -> None:
        self._nothing = np.zeros(num_actions, dtype=np.bool_)
        self._legal: dict[Hashable, NDArray[np.bool_]] = {}

    def add(self, sentences: Sequence[Sentence]) -> None:
        """Take in played sentences: the masks on their way, and that nothing follows their ends."""
        for sentence in sentences:
            for step, mask in enumerate([*sentence.masks, self._nothing]):
                for context in _contexts(sentence.actions[:step]):
                    known = self._legal.get(context)
                    self._legal[context] = mask if known is None else known | mask

    def after(self, prefix: tuple[int, ...]) -> NDArray[np.bool_]:
        """Return what is expected to be legal, shape ``(V,)``; all False where a sentence should have ended.

        That is also the answer where nothing is comparable, so that imagined sentences always end.
        """
        return next((self._legal[c] for c in _contexts(prefix) if c in self._legal), self._nothing)


def _contexts(prefix: tuple[int, ...]) -> Iterator[Hashable]:
    """Yield what a prefix may have in common with others, the most telling first."""
    step = len(prefix)
    for tokens in (3, 2, 1):
        yield step, prefix[-tokens:]
    for tokens in (2, 1):
        yield prefix[-tokens:]
    yield step
