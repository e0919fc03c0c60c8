from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from nas_gym.search_spaces import ChainSpace, MlpSpace
from nas_gym.studies.report.pictures import LARGEST_SIDE, data_uri_of, drawing, of_sample


def image_of(uri: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    head, _, content = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(BytesIO(b64decode(content))))


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_data_uri__holds_the_pixels(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(256, size=shape, dtype=np.uint8)
    assert (image_of(data_uri_of(pixels)) == pixels).all()


def test_of_sample__is_as_bright_as_it_was() -> None:
    grey = np.array([[[0, 8, 16]]], dtype=np.uint8)
    assert of_sample(grey, 16).tolist() == [[0, 127, 255]]
    assert of_sample(np.full((3, 4, 5), 200, np.uint8), 255).shape == (4, 5, 3)
    assert of_sample(np.zeros((3, 400, 800), np.uint8), 255).shape == (LARGEST_SIDE // 2, LARGEST_SIDE, 3)


@pytest.mark.slow  # Matplotlib looks for fonts
@pytest.mark.timeout(30)
def test_drawing__is_cut_to_the_network() -> None:
    short = image_of(drawing(MlpSpace(), "ReLU", 0.5))
    long = image_of(drawing(MlpSpace(), "Linear-16 ReLU Linear-16 ReLU", 0.5))
    assert long.shape[1] > short.shape[1] and long.shape[0] > short.shape[0]
    chain = image_of(drawing(ChainSpace(), "conv3x3-8-pool2-drop0", 0.5))
    rows = (chain != 255).any(axis=(1, 2)).nonzero()[0]
    assert rows[0] <= 10 and len(chain) - rows[-1] <= 10
