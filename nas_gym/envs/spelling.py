"""Unfinished and finished sentences as text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas_gym.search_spaces.base import SearchSpace

MAX_BLANKS = 16


def as_text(
    search_space: SearchSpace,
    sentence: Sequence[int],
    reward: float | None,
    legal: NDArray[np.bool_] | None = None,
) -> str:
    """Return two lines: the sentence, and what may follow or what it earned.

    Args:
        search_space: Whose tokens they are.
        sentence: Legal token indices so far.
        reward: What the finished sentence earned, ``None`` if it goes on.
        legal: Which tokens may follow, by default those that the search space allows.
    """
    names = [search_space.tokens[token] for token in sentence]
    room = search_space.max_length - len(names)
    blanks = ["_"] * room if room <= MAX_BLANKS else [f"_ ... ({room} more at most)"]
    if reward is not None:
        return f"{' '.join(names)}\nreward: {reward:#.4g}\n"
    following = np.array(search_space.tokens)[search_space.legal_next(sentence) if legal is None else legal]
    return f"{' '.join(names + blanks)}\nnext: {' '.join(following)}\n"
