"""Pictures within a page: a network's drawing, and small images."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from nas_gym.envs.rendering import as_picture
from nas_gym.search_spaces.base import SearchSpace

Pixels = NDArray[np.uint8]
LARGEST_SIDE = 160
"""In pixels, of a sample."""
WHITE, MARGIN = 255, 8


def drawing(search_space: SearchSpace, architecture: str, reward: float) -> str:
    """Return the drawing of a network as a data URI, without the empty space around it.

    Args:
        search_space: One that its text is of.
        architecture: Its text.
        reward: What it earned in the search.
    """
    sentence = search_space.encode(search_space.parse(architecture))
    picture = as_picture(search_space, sentence, reward, titled=False)
    rows, columns = ((picture != WHITE).any(axis=(axis, 2)).nonzero()[0] for axis in (1, 0))
    top, left = max(0, rows[0] - MARGIN), max(0, columns[0] - MARGIN)
    return data_uri_of(picture[top : rows[-1] + MARGIN, left : columns[-1] + MARGIN])


def of_sample(pixels: Pixels, largest: int) -> Pixels:
    """Return an image ``(height, width)`` or ``(height, width, 3)``, values up to 255, no side too long.

    Args:
        pixels: ``(channels, height, width)`` of one or three channels.
        largest: Largest value that a pixel may have.
    """
    shown = (pixels.astype(np.uint16) * 255 // largest).astype(np.uint8)
    shown = shown[0] if len(shown) == 1 else shown.transpose(1, 2, 0)
    image = Image.fromarray(np.ascontiguousarray(shown))
    image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
    return np.asarray(image)


def data_uri_of(pixels: Pixels) -> str:
    """Return an image as a PNG that stands in a page itself."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(file.getvalue()).decode('ascii')}"
