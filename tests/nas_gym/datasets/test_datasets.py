import pickle

import numpy as np
import pytest

from nas_gym.datasets.base import Dataset, Split, split_sizes
from nas_gym.errors import InvalidArgumentError, InvalidDataError
from nas_gym.testing import check_dataset
from tests.nas_gym.doubles import DATASETS, REQUIRED

pytestmark = pytest.mark.usefixtures("small_data")


def part(labels: list[int], value: float = 0.5) -> Split:
    return Split(np.full((len(labels), 2), value, dtype=np.float32), np.array(labels, dtype=np.int64))


def dataset(train: Split, validation: Split, test: Split | None, classes: int = 2) -> Dataset:
    return Dataset("mine-v0", train, validation, test, "made up", "none", classes=classes)


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_dataset__keeps_the_contract(dataset_id: str) -> None:
    check_dataset(DATASETS[dataset_id](**REQUIRED.get(dataset_id, {})))


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_dataset__follows_from_its_seed(dataset_id: str) -> None:
    make, keywords = DATASETS[dataset_id], REQUIRED.get(dataset_id, {})
    assert make(**keywords, seed=3).checksum == make(**keywords, seed=3).checksum
    assert make(**keywords, seed=3).checksum != make(**keywords, seed=4).checksum
    assert make(**keywords, seed=3).id != make(**keywords, seed=4).id


@pytest.mark.parametrize("dataset_id", DATASETS)
@pytest.mark.parametrize("seed", [-1, 2**32, 0.5, None, "0"])
def test_dataset__refuses_a_seed_out_of_range(dataset_id: str, seed: object) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        DATASETS[dataset_id](**REQUIRED.get(dataset_id, {}), seed=seed)
    assert str(error.value) == f"seed must be an integer from 0 to 4294967295, got {seed!r}"


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_without_test__leaves_no_trace_of_the_test_part(dataset_id: str) -> None:
    whole = DATASETS[dataset_id](**REQUIRED.get(dataset_id, {}))
    locked = pickle.dumps(whole.without_test())
    assert whole.train.features[:3].tobytes() in locked
    assert whole.test is not None
    assert not any(row.tobytes() in locked for row in whole.test.features)


@pytest.mark.parametrize(
    ("parts", "classes", "says"),
    [
        ((part([0, 1]), part([0, 1, 2]), part([0, 1, 2])), 3, "class 2 is missing from the training part"),
        ((part([0, 0]), part([0]), None), 1, "mine-v0 has 1 class, at least 2 are needed"),
        ((part([0, 1]), part([]), part([0])), 2, "the validation part of mine-v0 is empty"),
        ((part([0, 1], float("nan")), part([0]), None), 2, "4 features in the training part"),
        ((part([0, 1]), part([0]), part([1], float("-inf"))), 2, "2 features in the test part"),
    ],
)
def test_dataset__refuses_what_nothing_can_be_learned_from(
    parts: tuple[Split, Split, Split | None], classes: int, says: str
) -> None:
    with pytest.raises(InvalidDataError) as error:
        dataset(*parts, classes=classes)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_checksum__covers_every_value() -> None:
    original = dataset(part([0, 1]), part([0]), part([1]))
    others = [
        dataset(part([1, 0]), part([0]), part([1])),
        dataset(part([0, 1], 0.25), part([0]), part([1])),
        dataset(part([0, 1]), part([1]), part([1])),
        dataset(part([0, 1]), part([0]), part([0])),
        original.without_test(),
    ]
    assert original.checksum == dataset(part([0, 1]), part([0]), part([1])).checksum
    assert len({original.checksum, *(other.checksum for other in others)}) == 6


def test_checksum__of_known_values_is_known() -> None:
    known = "29d3e1cd741a84cb34e7f9857923c483b737674fac9c7f92f127a7d86323bc0e"
    assert dataset(part([0, 1]), part([0]), part([1])).checksum == known, "stores look children up by it"


def images(pixels: list[list[int]]) -> Split:
    """Return images of two channels and two pixels, a row each."""
    features = np.array(pixels, dtype=np.uint8).reshape(-1, 2, 1, 2)
    return Split(features, np.arange(len(pixels)) % 2)


def test_channel_statistics__are_those_of_the_training_part() -> None:
    data = dataset(images([[0, 255, 7, 7], [3, 10, 7, 7]]), images([[9, 9, 9, 9]]), images([[8, 8, 8, 8]]))
    found = data.channel_statistics
    assert found is not None
    assert found.mean.dtype == found.std.dtype == np.float32
    np.testing.assert_allclose(found.mean, [67, 7])
    np.testing.assert_allclose(found.std, [float(np.std([0, 255, 3, 10])), 1.0], rtol=1e-6)
    assert data.channel_statistics is found, "computed once"


def test_channel_statistics__are_those_of_many_images() -> None:
    pixels = np.random.default_rng(0).integers(256, size=(3000, 3, 2, 2), dtype=np.uint8)
    many = Split(pixels, np.arange(3000) % 2)
    found = dataset(many, many, None).channel_statistics
    assert found is not None
    np.testing.assert_allclose(found.mean, pixels.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(found.std, pixels.std(axis=(0, 2, 3)), rtol=1e-6)


def test_channel_statistics__are_none_for_features_that_are_ready() -> None:
    assert dataset(part([0, 1]), part([0]), None).channel_statistics is None


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_parts__hold_on_to_no_memory_of_another(dataset_id: str) -> None:
    locked = DATASETS[dataset_id](**REQUIRED.get(dataset_id, {})).without_test()
    for split in (locked.train, locked.validation):
        base = split.features.base
        assert base is None or base.size == split.features.size, "the test part must not be reachable"


@pytest.mark.parametrize(
    ("size", "split", "sizes"),
    [
        (1000, (700, 100, 200), (700, 100, 200)),
        (1000, (0.7, 0.1, 0.2), (700, 100, 200)),
        (1000, (7, 1, 2), (700, 100, 200)),
        (10, (1, 1, 1), (3, 4, 3)),
        (11, np.array([0.7, 0.1, 0.2]), (8, 1, 2)),
    ],
)
def test_split_sizes__shares_out_every_sample(
    size: int, split: tuple[float, ...], sizes: tuple[int, ...]
) -> None:
    assert split_sizes(size, split) == sizes


@pytest.mark.parametrize(
    "split",
    [
        (1, 1),
        (1, 0, 1),
        (1, -1, 1),
        (1, 1, float("nan")),
        (1, 1, float("inf")),
        "abc",
        None,
        3,
        (1, (2, 3), 4),
        np.ones((3, 1)),
    ],
)
def test_split_sizes__refuses_what_is_no_split(split: object) -> None:
    with pytest.raises(InvalidArgumentError, match="three positive numbers") as error:
        split_sizes(100, split)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_split_sizes__of_two_parts() -> None:
    assert split_sizes(60_000, (55_000, 5_000), ("train", "validation")) == (55_000, 5_000)
    with pytest.raises(
        InvalidArgumentError, match=r"must be two positive numbers \(train, validation\), got"
    ):
        split_sizes(100, (1, 2, 3), ("train", "validation"))


def test_split_sizes__refuses_an_empty_part() -> None:
    with pytest.raises(InvalidArgumentError, match="leaves a part empty: 10, 0, 0"):
        split_sizes(10, (1000, 1, 1))
