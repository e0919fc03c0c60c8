import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import nas_gym
from nas_gym import NASImageClassifier
from nas_gym.errors import InvalidArgumentError, InvalidDataError, KeptNetworkError, NasGymError
from nas_gym.evaluators.trainers.pytorch import TorchTrainer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]
SMALL: dict[str, Any] = {
    "budget": 2,
    "ensemble": 2,
    "space": {"name": "chain", "max_layers": 2, "filters": [8]},
    "random_state": 0,
    "n_jobs": 1,
}


def bars(count: int = 120) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Return noisy grey images with a bar that lies or stands."""
    drawn = np.random.default_rng(0)
    images = drawn.integers(0, 60, (count, 8, 8)).astype(np.uint8)
    stands = drawn.random(count) < 0.5
    for image, upright, place in zip(images, stands, drawn.integers(1, 7, count), strict=True):
        (image[:, place] if upright else image[place])[...] = 220
    return images, np.where(stands, "stands", "lies")


def write_folder(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.str_]) -> Path:
    """Write images in a folder for each class."""
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> tuple[NASImageClassifier, Path]:
    folder = tmp_path_factory.mktemp("fit")
    return NASImageClassifier(**SMALL, folder=folder).fit(*bars()), folder


def test_fit__learns(fitted: tuple[NASImageClassifier, Path]) -> None:
    model, _ = fitted
    images, labels = bars(200)
    assert model.score(images[120:], labels[120:]) > 0.8  # a coin has 0.5
    assert model.classes_.tolist() == ["lies", "stands"]
    np.testing.assert_allclose(model.predict_proba(images).sum(axis=1), 1.0)
    assert sum(model.model_.shares) == pytest.approx(1.0)


def test_fit__same_seed_same_answers(fitted: tuple[NASImageClassifier, Path]) -> None:
    model, _ = fitted
    images, labels = bars()
    again = NASImageClassifier(**SMALL).fit(images, labels)
    np.testing.assert_array_equal(again.predict_proba(images), model.predict_proba(images))


def test_fit__that_is_run_again_trains_nothing_twice(
    fitted: tuple[NASImageClassifier, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, folder = fitted
    images, labels = bars()
    monkeypatch.setattr(TorchTrainer, "train", None)
    again = NASImageClassifier(**SMALL, folder=folder).fit(images, labels)
    np.testing.assert_array_equal(again.predict_proba(images), model.predict_proba(images))


def test_model__is_loaded_without_data(fitted: tuple[NASImageClassifier, Path]) -> None:
    model, folder = fitted
    images, _ = bars()
    loaded = nas_gym.load(folder)
    np.testing.assert_array_equal(loaded.predict_proba(images), model.predict_proba(images))
    assert loaded.scores == {"validation": {"accuracy": model.validation_score_}}
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(model)).predict_proba(images), model.predict_proba(images)
    )


def test_folder_of_images__is_read_and_answered(
    fitted: tuple[NASImageClassifier, Path], tmp_path: Path
) -> None:
    model, _ = fitted
    images, labels = bars(60)
    of_files = NASImageClassifier(**SMALL, channels=1).fit(write_folder(tmp_path, images, labels))
    assert of_files.classes_.tolist() == ["lies", "stands"]
    files = sorted((tmp_path / "lies").iterdir())
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    np.testing.assert_array_equal(model.predict(files), model.predict(pixels))


def test_minutes__too_few_still_answer() -> None:
    images, labels = bars()
    model = NASImageClassifier(**{**SMALL, "budget": None, "ensemble": 1}, minutes=1e-3).fit(images, labels)
    assert len(model.model_.members) == 1
    assert model.predict(images).shape == labels.shape


@pytest.mark.parametrize(
    ("keywords", "X", "y", "message"),
    [
        ({}, bars()[0].astype(np.float32), bars()[1], "must be uint8"),
        ({}, bars()[0][:, 0], bars()[1], r"must have the shape \(n, height, width\)"),
        ({}, bars()[0], bars()[1][:5], "X has 120 images, y has 5 answers"),
        ({}, bars()[0], np.full(120, "a"), "one class"),
        ({}, bars()[0], None, "requires y"),
        ({"validation": 2.0}, *bars(), "share between 0 and 1"),
        ({"class_weight": "fair"}, *bars(), "None or balanced"),
        ({"space": "forest"}, *bars(), "there are chain, graph, pyramid"),
        ({"validation": (bars()[0], np.full(120, "leans"))}, *bars(), "'leans', which y does not have"),
    ],
)
def test_bad_input__gets_one_line(keywords: dict[str, Any], X: object, y: object, message: str) -> None:
    with pytest.raises(NasGymError, match=message):
        NASImageClassifier(**{**SMALL, **keywords}).fit(X, y)  # type: ignore[arg-type]


def test_folder__of_something_else_is_refused_before_the_search(tmp_path: Path) -> None:
    (tmp_path / "winner").mkdir()
    model = NASImageClassifier(**SMALL, folder=tmp_path)
    with pytest.raises(KeptNetworkError, match=r"winner is there and holds no ensemble\.json"):
        model.fit(*bars())
    assert not hasattr(model, "study_")


def test_folder__with_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="y must be None"):
        NASImageClassifier(**SMALL).fit(tmp_path, ["a"])
    with pytest.raises(InvalidDataError, match="holds no folders"):
        NASImageClassifier(**SMALL).fit(tmp_path)
