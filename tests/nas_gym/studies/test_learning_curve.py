import os
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from nas_gym.studies.learning_curve import draw_learning_curve, moving_average


def test_moving_average__is_over_the_last_values() -> None:
    values = np.array([1.0, 3.0, 5.0, 7.0])
    assert moving_average(values, window=2).tolist() == [1.0, 2.0, 4.0, 6.0]
    assert moving_average(values, window=9).tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.timeout(20)  # the first drawing in a process reads the fonts
@pytest.mark.slow
@pytest.mark.parametrize("rewards", [[0.5], [0.9] * 10, [-1.0, *np.linspace(0.5, 1.0, 500)]])
def test_draw_learning_curve__writes_a_picture(rewards: list[float], tmp_path: Path) -> None:
    path = tmp_path / "learning_curve.png"
    draw_learning_curve(path, rewards, "title")
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    picture = matplotlib.image.imread(path)
    assert picture.shape == (540, 960, 4)
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 20
