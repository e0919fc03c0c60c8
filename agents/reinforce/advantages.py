"""How much better than expected was an episode?"""

import numpy as np
from numpy.typing import NDArray

UNIT = np.sqrt(3.0)
"""Scales a uniform distribution on [-1, 1] to standard deviation 1."""


def rank_advantages(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Replace returns by their ranks in the batch, spread evenly from -sqrt(3) to sqrt(3).

    What counts is the order alone: neither an outlier nor the shrinking differences among good
    architectures change the size of a step. Equal returns share the mean of their ranks.

    Paper: Wierstra et al. 2014, Natural Evolution Strategies, https://jmlr.org/papers/v15/wierstra14a.html,
    "fitness shaping" by ranks; here linear in the rank.

    Args:
        returns: Shape ``(episodes,)``.

    Returns:
        Advantages of mean 0, shape ``(episodes,)``; 0 for a batch of one.
    """
    beaten = (returns[:, None] > returns).sum(axis=1) - (returns[:, None] < returns).sum(axis=1)
    return np.asarray(UNIT * beaten / max(1, len(returns) - 1))
