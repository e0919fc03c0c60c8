import os
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from torchvision.datasets import CIFAR10, MNIST

from nas_gym.datasets.images.cifar10 import cifar10
from nas_gym.datasets.images.mnist import mnist
from nas_gym.errors import MissingDataError
from tests.nas_gym.images import random_pixels, write_cifar10, write_mnist, write_mnist_mirror

USERS_FOLDER = os.environ.get("NAS_GYM_DATA", "")
NOWHERE = "file:///nowhere/"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let data be looked for in an empty folder, and be downloaded from nowhere."""
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE])
    monkeypatch.setattr(CIFAR10, "url", f"{NOWHERE}cifar.tar.gz")
    monkeypatch.setenv("NAS_GYM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_mnist__keeps_images_with_their_labels(folder: Path) -> None:
    write_mnist(folder)
    data = mnist(seed=1)
    assert data.test is not None
    assert data.id == "mnist-v0(split=110/10/30, seed=1)"
    assert np.array_equal(data.test.features[:, 0], random_pixels(30, 28, 28, seed=1))
    assert np.array_equal(data.test.labels, np.arange(30) % 10)
    images = random_pixels(120, 28, 28)
    index = {image.tobytes(): number for number, image in enumerate(images)}
    rows = [index[image.tobytes()] for part in (data.train, data.validation) for image in part.features]
    labels = np.concatenate([data.train.labels, data.validation.labels])
    assert sorted(rows) == list(range(120))
    assert labels.tolist() == [row % 10 for row in rows]


def test_cifar10__has_colours_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, checksums in write_cifar10(folder).items():
        monkeypatch.setattr(CIFAR10, name, checksums)
    data = cifar10()
    assert data.test is not None
    assert data.id == "cifar10-v0(split=90/10/20, seed=0)"
    assert data.train.features.shape == (90, 3, 32, 32)
    assert np.array_equal(data.test.features, random_pixels(20, 3072, seed=5).reshape(-1, 3, 32, 32))


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve a small MNIST to this process, and let torchvision know its checksums."""
    monkeypatch.setattr(MNIST, "resources", write_mnist_mirror(tmp_path / "mirror"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "mirror")) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_missing__mnist_is_downloaded_once(
    folder: Path, mirror: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE, mirror])
    downloaded = mnist()
    assert (folder / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file()
    monkeypatch.setattr(MNIST, "mirrors", [NOWHERE])
    assert mnist().checksum == downloaded.checksum


def test_missing__says_what_was_looked_for_where_and_what_to_do(folder: Path) -> None:
    for make, name, files in ((mnist, "MNIST", "MNIST/raw"), (cifar10, "CIFAR10", "cifar-10-batches-py")):
        with pytest.raises(MissingDataError) as error:
            make()
        says = str(error.value)
        assert says.startswith(
            f"{name} is not in {folder / files}, or not whole, and downloading it failed ("
        )
        assert says.endswith(f"set NAS_GYM_DATA to the folder that holds {files}")
        assert "\n" not in says


def test_missing__folder_that_cannot_be_made_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAS_GYM_DATA", os.devnull)
    with pytest.raises(MissingDataError, match=r"MNIST is not in /dev/null/MNIST/raw") as error:
        mnist()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\0\0\10", b"\0\0\10\3\0\0\0\5", b"no images at all", None])
@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_damaged__files_are_one_line(folder: Path, file: str, content: bytes | None) -> None:
    write_mnist(folder)
    path = folder / "MNIST" / "raw" / file
    path.write_bytes(path.read_bytes()[:-5] if content is None else content)
    with pytest.raises(MissingDataError, match=r"the files of MNIST in .* are damaged") as error:
        mnist()
    assert "\n" not in str(error.value)


@pytest.mark.slow  # reads 70,000 images
@pytest.mark.timeout(60)
@pytest.mark.skipif(
    not Path(USERS_FOLDER, "MNIST", "raw", "train-images-idx3-ubyte").is_file() or not USERS_FOLDER,
    reason="there is no MNIST in $NAS_GYM_DATA",
)
def test_mnist__is_the_published_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAS_GYM_DATA", USERS_FOLDER)
    data = mnist(train_samples=5000)
    assert data.test is not None
    assert data.id == "mnist-v0(split=55000/5000/10000, train_samples=5000, seed=0)"
    assert [len(part) for part in (data.train, data.validation, data.test)] == [5000, 5000, 10_000]
    assert np.bincount(data.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    statistics = mnist().channel_statistics
    assert statistics is not None
    # The mean and deviation that everyone normalises MNIST with, of all 60,000 training images.
    assert abs(statistics.mean[0] / 255 - 0.1307) < 2e-4
    assert abs(statistics.std[0] / 255 - 0.3081) < 2e-4
