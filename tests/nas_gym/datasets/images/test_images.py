from typing import Any

import numpy as np
import pytest

from nas_gym.datasets.base import Dataset
from nas_gym.datasets.images.labelled_images import stratified_order
from nas_gym.errors import InvalidArgumentError
from tests.nas_gym.doubles import DATASETS, REQUIRED

pytestmark = pytest.mark.usefixtures("small_data")

IMAGES = {"digits-v0": 10, "mnist-v0": 10, "cifar10-v0": 10, "image_folder": 3}
"""Data sets of images, and their numbers of classes."""


def make(dataset_id: str, **keywords: Any) -> Dataset:  # noqa: ANN401
    data = DATASETS[dataset_id](**REQUIRED.get(dataset_id, {}), **keywords)
    assert isinstance(data, Dataset)
    return data


@pytest.mark.parametrize("sizes", [(50, 50), (90, 10), (3, 40, 200), (1, 1, 1)])
def test_stratified_order__holds_each_class_in_its_share_from_the_beginning(sizes: tuple[int, ...]) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    order = stratified_order(labels, np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(len(labels)))
    for end in range(1, len(labels) + 1):
        counts = np.bincount(labels[order[:end]], minlength=len(sizes))
        assert np.abs(counts - end * np.array(sizes) / len(labels)).max() <= len(sizes) / 2


def test_stratified_order__shuffles_classes_and_what_is_in_them() -> None:
    labels = np.repeat([0, 1], 50)
    first, second = (stratified_order(labels, np.random.default_rng(seed)) for seed in (0, 1))
    for order in (first, second):
        assert order[labels[order] == 0].tolist() != list(range(50))
        assert len(set(labels[order].reshape(-1, 2)[:, 0].tolist())) == 2, "no class always comes first"
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("dataset_id", IMAGES)
def test_images__are_uint8_and_their_classes_are_in_all_parts(dataset_id: str) -> None:
    data = make(dataset_id)
    assert data.test is not None
    assert data.classes == IMAGES[dataset_id]
    for part in (data.train, data.validation, data.test):
        assert part.features.dtype == np.uint8
        counts = np.bincount(part.labels, minlength=data.classes)
        assert counts.min() >= 1
        if dataset_id != "digits-v0":  # whose classes differ in size
            assert np.ptp(counts) <= 1


@pytest.mark.parametrize("dataset_id", IMAGES)
def test_samples__are_the_beginning_of_all_in_equal_shares(dataset_id: str) -> None:
    whole, classes = make(dataset_id, seed=3), IMAGES[dataset_id]
    few = make(dataset_id, seed=3, train_samples=classes, validation_samples=2)
    assert whole.test is not None and few.test is not None
    assert np.array_equal(few.train.features, whole.train.features[:classes])
    assert np.array_equal(few.train.labels, whole.train.labels[:classes])
    assert np.array_equal(few.validation.features, whole.validation.features[:2])
    assert np.array_equal(few.test.features, whole.test.features)
    assert sorted(few.train.labels.tolist()) == list(range(classes))
    assert f"train_samples={classes}, validation_samples=2, seed=3)" in few.id
    assert few.checksum != whole.checksum
    everything = make(dataset_id, seed=3, train_samples=len(whole.train))
    assert (everything.id, everything.checksum) == (whole.id, whole.checksum)


@pytest.mark.parametrize("dataset_id", IMAGES)
def test_validation__takes_what_training_leaves_unused(dataset_id: str) -> None:
    whole, classes = make(dataset_id, seed=3), IMAGES[dataset_id]
    unused = len(whole.train) - classes
    few = make(dataset_id, seed=3, train_samples=classes, validation_samples=len(whole.validation) + unused)
    own, taken = np.split(few.validation.features, [len(whole.validation)])
    assert np.array_equal(own, whole.validation.features)
    assert np.array_equal(taken, whole.train.features[classes:][::-1])
    assert f"validation_samples={len(few.validation)}" in few.id
    with pytest.raises(InvalidArgumentError):
        make(dataset_id, train_samples=classes, validation_samples=len(few.validation) + 1)
    with pytest.raises(InvalidArgumentError):
        make(dataset_id, validation_samples=len(whole.validation) + 1)


@pytest.mark.parametrize("dataset_id", IMAGES)
@pytest.mark.parametrize("name", ["train_samples", "validation_samples"])
@pytest.mark.parametrize("samples", [0, -1, 100_000, 2.0, "all", True])
def test_samples__out_of_range_are_refused(dataset_id: str, name: str, samples: object) -> None:
    data = make(dataset_id)
    available = len(data.train if name == "train_samples" else data.validation)
    with pytest.raises(InvalidArgumentError) as error:
        make(dataset_id, **{name: samples})
    assert str(error.value) == f"{name} must be None or an integer from 1 to {available}, got {samples!r}"


@pytest.mark.parametrize("dataset_id", IMAGES)
def test_split__of_other_sizes_is_taken_or_refused(dataset_id: str) -> None:
    given = dataset_id in ("mnist-v0", "cifar10-v0")  # their test part
    data = make(dataset_id, split=(1, 1) if given else (1, 1, 1))
    assert abs(len(data.train) - len(data.validation)) <= 1
    with pytest.raises(InvalidArgumentError, match="positive numbers"):
        make(dataset_id, split=(1, 0) if given else (1, 0, 1))
    with pytest.raises(InvalidArgumentError, match=r"at least one image a class|leaves a part empty"):
        make(dataset_id, split=(1000, 1) if given else (1000, 1, 1))


def test_digits__are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    data, known = make("digits-v0"), load_digits()
    assert data.test is not None
    parts = [data.train, data.validation, data.test]
    assert [len(part) for part in parts] == [1258, 269, 270]
    features = np.concatenate([part.features for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    assert features.shape == (1797, 1, 8, 8)
    found = sorted(
        (*image, label)
        for image, label in zip(features.reshape(-1, 64).tolist(), labels.tolist(), strict=True)
    )
    assert found == sorted(
        (*image, label) for image, label in zip(known.data.tolist(), known.target.tolist(), strict=True)
    )
