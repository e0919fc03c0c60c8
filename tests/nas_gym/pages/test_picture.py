from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from nas_gym.pages.curves import reward_curve
from nas_gym.pages.intervals import Band
from nas_gym.pages.panels import Axis, Figure, Line, Panel, Points
from nas_gym.pages.picture import draw_picture


def front(*costs: float) -> Panel:
    """Return points at costs, those of a front, and a star."""
    scores = [0.5 + 0.1 * place for place in range(len(costs))]
    ends = (costs[0] / 1.15, costs[-1] * 1.15)
    return Panel(
        "accuracy against size",
        Axis("parameters", ends=ends, logarithmic=ends[1] > 5 * ends[0]),
        Axis("accuracy", ".1%", (0.4, 1.0)),
        [Line("no other one beats these", "#0072B2", costs, Band.certain(scores), steps=True)],
        [
            Points("one architecture", "#9fb3c1", costs, scores),
            Points("chosen", "#D55E00", costs[:1], scores[:1], 14, 1, symbol="star"),
        ],
    )


@pytest.mark.slow  # the first drawing in a process reads the fonts
@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "panels",
    [
        *[
            [reward_curve(each, [""] * len(each))]
            for each in ([0.5], [0.9] * 10, [-1.0, *np.linspace(0.5, 1, 500)])
        ],
        *[[front(*costs)] for costs in ((3.0,), (3.0, 4.0), (3.0, 30.0), (0.2, 900_000.0))],
        [front(10.0, 20.0), front(100.0, 900.0)],
    ],
    ids=["one", "equal", "many", "a single cost", "near", "far", "very far", "two"],
)
def test_draw_picture__of_lines_and_points(panels: list[Panel], tmp_path: Path) -> None:
    path = tmp_path / "figures" / "picture.png"
    draw_picture(path, "a search", Figure("title", panels))
    assert list(path.parent.iterdir()) == [path]
    picture = matplotlib.image.imread(path)
    assert picture.shape == (572, 806 * len(panels), 4)
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 20
