"""``moons-v0``: two interleaving half circles in the plane."""

from collections.abc import Sequence

import numpy as np
from sklearn.datasets import make_moons

from nas_gym import checks
from nas_gym.datasets.base import Dataset, Split, split_sizes


def moons(
    size: int = 1000,
    noise: float = 0.2,
    split: Sequence[float] = (0.7, 0.1, 0.2),
    seed: int = 0,
) -> Dataset:
    """Make the half-moon data of scikit-learn; the defaults are those of the minimal NAS system.

    Args:
        size: Number of samples in all, 10 to 1,000,000.
        noise: Standard deviation of the Gaussian noise added to the coordinates, 0 to 10.
        split: Relative sizes of training, validation and test part, taken in this order.
        seed: Seed of the data, not of the children's training.

    Raises:
        InvalidArgumentError: If an argument is out of range.
    """
    size = checks.integer("size", size, 10, 1_000_000)
    noise = checks.number("noise", noise, "a number from 0 to 10", least=0, most=10)
    seed = checks.seed("seed", seed)
    sizes = split_sizes(size, split)
    features, labels = make_moons(size, noise=noise, random_state=seed)
    parts = [
        Split(np.ascontiguousarray(x, dtype=np.float32), y.astype(np.int64))
        for x, y in zip(
            np.split(features, np.cumsum(sizes)[:2]), np.split(labels, np.cumsum(sizes)[:2]), strict=True
        )
    ]
    return Dataset(
        id=f"moons-v0(size={size}, noise={noise}, split={'/'.join(map(str, sizes))}, seed={seed})",
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        classes=2,
        source="sklearn.datasets.make_moons",
        licence="BSD-3-Clause",
    )
