import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nas_gym.datasets.base import Dataset, Split
from nas_gym.datasets.images.reading import ImageReading
from nas_gym.datasets.tables.numbers import NumericDataset
from nas_gym.errors import InvalidDataError, KeptNetworkError, NasGymError
from nas_gym.kept.loading import load_network
from nas_gym.kept.network import KeptNetwork
from nas_gym.kept.samples import KeptRegressor
from nas_gym.problems.problem import Problem
from tests.nas_gym.images import write_image
from tests.nas_gym.kept.networks import kept

CHAIN = "conv3x3-8-pool2-drop0.25"


def data_and_test_part(problem: Problem) -> tuple[Dataset, Split]:
    data = problem.task.data_of(-1) if problem.task else None
    assert isinstance(data, Dataset) and data.test is not None
    return data, data.test


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[KeptNetwork, Problem]:
    path, problem = kept(
        tmp_path_factory.mktemp("kept") / "digits", "NAS-Digits-v0", CHAIN, full={"epochs": 3}
    )
    return load_network(path), problem


def test_classifier__says_of_raw_digits_what_the_report_says(digits: tuple[KeptNetwork, Problem]) -> None:
    network, problem = digits
    split = data_and_test_part(problem)[1]
    raw = split.features[:, 0]
    assert raw.max() == 16 and network.classes == tuple("0123456789")
    said = network.predict(raw)
    assert (said == split.labels.astype(str)).mean() == network.scores["test"]["accuracy"] > 0.5
    assert (network.predict(raw[..., None]) == said).all(), "with an axis of channels, too"
    chances = network.predict_proba(raw)
    assert chances.shape == (len(raw), 10) and np.allclose(chances.sum(axis=1), 1)
    assert (np.array(network.classes)[chances.argmax(axis=1)] == said).all()
    truth = chances[np.arange(len(raw)), split.labels]
    assert -np.log(truth).mean() == pytest.approx(network.scores["test"]["log_loss"], rel=1e-6)
    assert str(network.architecture) == CHAIN and CHAIN in repr(network)
    assert network.predict(raw[:0]).shape == (0,) and network.predict_proba(raw[:0]).shape == (0, 10)


def test_classifier__that_was_judged_in_bfloat16_says_the_same_to_the_last_sample(tmp_path: Path) -> None:
    full = {"epochs": 1, "precision": "bfloat16"}
    path, problem = kept(tmp_path / "m", "NAS-Digits-v0", CHAIN, full=full)
    network, split = load_network(path), data_and_test_part(problem)[1]
    assert network.description.interface.precision == "bfloat16"
    truth = network.predict_proba(split.features[:, 0])[np.arange(len(split)), split.labels]
    assert -np.log(truth).mean() == pytest.approx(network.scores["test"]["log_loss"], rel=1e-6)


def test_module__reads_pixels(digits: tuple[KeptNetwork, Problem]) -> None:
    import torch

    network, problem = digits
    split = data_and_test_part(problem)[1]
    with torch.inference_mode():
        said = network.module(torch.from_numpy(split.features).float()).argmax(dim=1).numpy()
    assert (said == split.labels).mean() == network.scores["test"]["accuracy"]


EIGHT: NDArray[np.uint8] = np.zeros((2, 8, 8), np.uint8)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (EIGHT.astype(np.float64), "images must be uint8, values from 0 to 16, got float64"),
        (EIGHT[:, :4], r"must have the shape (n, 8, 8) or (n, 8, 8, 1), got (2, 4, 8)"),
        (EIGHT[0], "got (8, 8)"),
        (EIGHT[:, None], "got (2, 1, 8, 8)"),
        (EIGHT + 17, "pixels must be from 0 to 16 as in the training data, got 17"),
        ("digit.png", "those of files from 0 to 255; give arrays"),
        ([["a"]], "images must be uint8"),
    ],
    ids=["float", "shape", "one", "channels-first", "value", "file", "text"],
)
def test_classifier__says_in_one_line_what_it_cannot_read(
    raw: NDArray[np.uint8] | str, says: str, digits: tuple[KeptNetwork, Problem]
) -> None:
    with pytest.raises(InvalidDataError) as raised:
        digits[0].predict(raw)
    assert says in str(raised.value) and "\n" not in str(raised.value)


def write_photographs(folder: Path) -> None:
    """Write two classes that differ in colour, of several sizes and modes."""
    generator = np.random.default_rng(0)
    for label, name in enumerate(("blue", "red")):
        for index in range(40):
            size = 10 + index % 5, 12 + index % 3
            pixels = generator.integers(160, size=(*size, 3), dtype=np.uint8)
            pixels[..., 2 - 2 * label] += generator.integers(0, 40, dtype=np.uint8)
            mode = "RGBA" if index % 7 == 0 else None
            write_image(folder / name / f"{index:02d}.png", pixels, mode)


USER = """
import sys, numpy as np, nas_gym
from pathlib import Path
network = nas_gym.load(sys.argv[1])
files = sorted(Path("photographs").rglob("*.png"))
held_out = np.load("rows.npy")
said, truth = network.predict(files), np.array([file.parent.name for file in files])
print((said[held_out] == truth[held_out]).mean() == network.scores["test"]["accuracy"], network.classes)
red = network.predict(Path("photographs/red"))
print((red == said[40:]).all(), network.predict(str(files[0]))[0] == said[0])
print("nas_gym.studies" in sys.modules)
"""


@pytest.mark.slow  # another process imports PyTorch
@pytest.mark.timeout(60)
def test_classifier__of_an_image_folder_needs_no_training_data(tmp_path: Path) -> None:
    data_folder = tmp_path / "data" / "photographs"
    write_photographs(data_folder)
    small = {"path": str(data_folder), "image_size": [8, 9], "channels": 3}
    path, problem = kept(tmp_path / "model", "NAS-ImageFolder-v0", CHAIN, **small, full={"epochs": 6})
    data, split = data_and_test_part(problem)
    assert data.class_names == ("blue", "red")
    # Which files are the test part? Those with its pixels.
    network = load_network(path)
    reading = network.description.interface.reading
    assert isinstance(reading, ImageReading)
    files = sorted(data_folder.rglob("*.png"))
    pixels = {reading.read(file).tobytes(): row for row, file in enumerate(files)}
    rows = [pixels[image.tobytes()] for image in split.features]
    assert (
        network.predict([files[row] for row in rows]) == np.array(network.classes)[split.labels]
    ).mean() == (network.scores["test"]["accuracy"])
    arrays = split.features.transpose(0, 2, 3, 1)
    assert (network.predict(arrays) == network.predict([files[row] for row in rows])).all()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(data_folder, elsewhere / "photographs")
    shutil.move(path, elsewhere / "model")
    np.save(elsewhere / "rows.npy", rows)
    ended = subprocess.run(
        [sys.executable, "-c", USER, "model"], cwd=elsewhere, capture_output=True, text=True, check=False
    )
    assert ended.stdout.splitlines() == ["True ('blue', 'red')", "True True", "False"], ended.stderr


def test_classifier__says_which_file_it_cannot_read(tmp_path: Path) -> None:
    write_photographs(tmp_path / "photographs")
    small = {"path": str(tmp_path / "photographs"), "image_size": 8, "channels": 1}
    path, _ = kept(tmp_path / "model", "NAS-ImageFolder-v0", CHAIN, **small, full={"epochs": 1})
    network = load_network(path)
    (tmp_path / "bad.png").write_text("no image")
    Image.new("RGB", (20, 30)).save(tmp_path / "good.jpg")
    assert network.predict(tmp_path / "good.jpg").shape == (1,)
    assert network.predict_proba([tmp_path / "good.jpg"] * 2).shape == (2, 2)
    for raw, says in (
        (tmp_path / "bad.png", "bad.png cannot be read"),
        (tmp_path / "photographs", "holds no image; images in folders within it are not read"),
        ([tmp_path / "none.png"], "there is no image"),
        (np.zeros((1, 8, 9), np.uint8), "(n, 8, 8) or (n, 8, 8, 1), got (1, 8, 9)"),
    ):
        with pytest.raises(NasGymError) as raised:
            network.predict(raw)
        assert says in str(raised.value) and "\n" not in str(raised.value)
        assert "skip_unreadable" not in str(raised.value)


def test_regressor__tells_numbers_in_the_units_of_the_data(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 3))
    y = 1000 + 50 * X[:, 0]
    path, problem = kept(
        tmp_path / "model",
        "NAS-Tabular-v0",
        "Linear-8 Tanh",
        X=X,
        y=y,
        task="regression",
        full={"epochs": 20},
    )
    data = problem.task.data_of(-1) if problem.task else None
    assert isinstance(data, NumericDataset) and data.test is not None
    network, features = load_network(path), data.test.features
    assert isinstance(network, KeptRegressor)
    said = network.predict(features)
    truth = data.test.labels * data.unit + data.mean
    assert 1 - np.var(said - truth) / np.var(truth) > 0.5
    assert 1 - ((said - truth) ** 2).mean() / np.var(truth) == pytest.approx(
        network.scores["test"]["r2"], abs=1e-4
    )
    assert network.classes == ()
    with pytest.raises(KeptNetworkError, match="no probabilities"):
        network.predict_proba(features)
    for raw, says in (
        (np.zeros((2, 4)), "must have the shape (samples, 3), got (2, 4)"),
        (np.full((1, 3), np.nan), "must be finite"),
        ([["a"] * 3], "must be real numbers"),
    ):
        with pytest.raises(InvalidDataError) as raised:
            network.predict(raw)
        assert says in str(raised.value) and "\n" not in str(raised.value)
