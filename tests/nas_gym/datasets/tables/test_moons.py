from typing import Any

import numpy as np
import pytest
from sklearn.datasets import make_moons

from nas_gym.datasets.tables.moons import moons
from nas_gym.errors import InvalidArgumentError


@pytest.mark.parametrize("split", [None, (700, 100, 200), (0.7, 0.1, 0.2)])
def test_moons__is_the_data_of_the_minimal_nas_system(split: tuple[float, ...] | None) -> None:
    data = moons() if split is None else moons(split=split)
    features, labels = make_moons(1000, noise=0.2, random_state=0)
    assert data.test is not None
    start = 0
    for part, size in ((data.train, 700), (data.validation, 100), (data.test, 200)):
        assert np.array_equal(part.features, features[start : start + size].astype(np.float32))
        assert np.array_equal(part.labels, labels[start : start + size])
        start += size


def test_moons__takes_size_noise_and_split() -> None:
    data = moons(size=50, noise=0, split=(3, 1, 1), seed=5)
    assert data.test is not None
    assert (len(data.train), len(data.validation), len(data.test)) == (30, 10, 10)
    features, _ = make_moons(50, noise=0, random_state=5)
    assert np.array_equal(data.train.features, features[:30].astype(np.float32))
    assert len({moons(noise=noise).checksum for noise in (0.1, 0.2, 0.3)}) == 3


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"size": 9}, "size must be an integer from 10 to 1000000, got 9"),
        ({"size": 1_000_001}, "got 1000001"),
        ({"size": 100.0}, "got 100.0"),
        ({"size": "many"}, "got 'many'"),
        ({"noise": -0.1}, "noise must be a number from 0 to 10, got -0.1"),
        ({"noise": 11}, "got 11"),
        ({"noise": float("nan")}, "got nan"),
        ({"noise": None}, "got None"),
        ({"split": (1, 0, 1)}, "split must be three positive numbers"),
        ({"size": 10, "split": (1000, 1, 1)}, "leaves a part empty"),
    ],
)
def test_arguments__out_of_range_are_refused(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        moons(**keywords)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
