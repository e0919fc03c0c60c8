from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from nas_gym.envs.episode import Episode
from nas_gym.studies.report.figures import draw_learning_curve, draw_pareto_front
from nas_gym.studies.report.scales import moving_average
from nas_gym.tasks.metric import ACCURACY, PERPLEXITY, Metric
from tests.nas_gym.studies.episodes import failed, trained

PNG = b"\x89PNG\r\n\x1a\n"


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
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes().startswith(PNG)
    picture = matplotlib.image.imread(path)
    assert picture.shape == (540, 960, 4)
    assert len(np.unique(picture.reshape(-1, 4), axis=0)) > 20


def perplexity(architecture: str, score: float, parameters: int) -> Episode:
    return trained(architecture, score, parameters, metric="perplexity")


@pytest.mark.timeout(20)  # the first drawing in a process reads the fonts
@pytest.mark.slow
@pytest.mark.parametrize(
    ("episodes", "metric", "drawn"),
    [
        ([], ACCURACY, False),
        ([failed("failed")], ACCURACY, False),
        ([trained("a", 0.5, None)], ACCURACY, False),
        ([trained("a", 0.5, 3)], ACCURACY, True),
        ([perplexity("a", 5.0, 30), perplexity("b", 900.0, 10)], PERPLEXITY, True),
        ([trained("a", 0.5, 3, 4), trained("b", 0.5, 5)], ACCURACY, True),
        ([trained("a", 0.5, 3, 4), failed("failed")], ACCURACY, True),
        ([trained("a", 0.5, 3, 4), trained("b", 0.6, 3, 4)], ACCURACY, False),
    ],
    ids=[
        *("nothing", "nothing trained", "costs unknown", "one network", "perplexity", "one cost known"),
        *("one failed", "one size"),
    ],
)
def test_draw_pareto_front__draws_the_costs_that_differ(
    episodes: list[Episode], metric: Metric, drawn: bool, tmp_path: Path
) -> None:
    picture = tmp_path / "pareto_front.png"
    assert draw_pareto_front(picture, episodes, metric, "a run") == drawn == picture.exists()
    assert not drawn or picture.read_bytes().startswith(PNG)
