import pytest

from nas_gym.pages.curves import MOST_POINTS
from nas_gym.studies.climb import Climbed
from nas_gym.studies.comparison import Comparison, Contender
from nas_gym.studies.report.findings import lettered
from nas_gym.studies.report.search_panels import climb, contenders, fronts, learning_curve
from nas_gym.tasks.metric import perplexity
from tests.nas_gym.studies.episodes import numbered, trained
from tests.nas_gym.studies.report.made_up import findings


def test_learning_curve__has_each_reward_and_the_best_so_far() -> None:
    panel = learning_curve(findings())
    mean, best = panel.lines
    assert list(panel.points[0].y) == [-1.0, 0.5, 0.75, -1.0, 0.7]
    assert list(best.y.mean) == [-1.0, 0.5, 0.75, 0.75, 0.75]
    assert mean.y.mean[1] == -0.25
    assert panel.points[0].meanings[0] == "1: an illegal token, reward -1"
    assert panel.points[0].meanings[3] == "4: Sigmoid, reward -1, timed_out"


def test_learning_curve__of_very_many_is_thinned_out_and_says_so() -> None:
    rows = numbered(*[trained("ReLU", 0.1)] * (3 * MOST_POINTS), trained("Tanh", 0.9))
    panel = learning_curve(findings(episodes=rows))
    assert len(panel.points[0].x) == MOST_POINTS and panel.lines[1].y.mean[-1] == 0.9
    assert panel.note == "4,000 of 12,001 points are drawn."


def test_fronts__have_a_star_for_the_network_and_one_panel_a_cost() -> None:
    panels = fronts(findings())
    assert [panel.x.title for panel in panels] == ["parameters", "multiply-adds for one sample"]
    everything, front, star = panels[0].points
    assert (list(everything.x), list(front.x), list(star.x)) == ([5, 20, 30], [5, 20], [20])
    assert list(panels[0].lines[0].y.mean) == [0.5, 0.75, 0.75], "the best holds to the end"


def test_fronts__of_networks_of_one_size_are_none_but_for_latency() -> None:
    same = numbered(trained("ReLU", 0.5, 5), trained("Tanh", 0.6, 5))
    assert fronts(findings(episodes=same)) == []
    (panel,) = fronts(findings(episodes=same, latencies={"ReLU": 0.001, "Tanh": 0.004}))
    assert list(panel.points[0].x) == [1.0, 4.0] and "milliseconds" in panel.x.title


def test_climb__leads_from_the_search_to_the_highest_rung() -> None:
    assert climb(findings()) is None
    climbed = (
        Climbed(1, "Tanh", 0.8, 0.8, 1.0),
        Climbed(1, "Linear-8", 0.6, 0.6, 1.0),
        Climbed(1, "ReLU", 0.0, None, 1.0),
        Climbed(2, "Tanh", 0.9, 0.9, 3.0),
    )
    panel = climb(findings(climbed=climbed))
    assert panel is not None
    paths = {line.name: (list(line.x), list(line.y.mean)) for line in panel.lines}
    assert paths["the network that was chosen"] == ([0, 1, 2], [0.75, 0.8, 0.9])
    assert len(panel.lines) == 3 and panel.note.endswith("1 training failed.")


FOUND = Contender("Linear-8 Tanh", True, (0.8, 0.9), (0.7, 0.8), 20)
OTHER = Contender("ReLU", True, (0.5, 0.6), (0.5, 0.6), 5)
MODEL = Contender("SVC", False, (0.7,), (0.6,), certain=True)
BROKEN = Contender("Tanh", True, (), (), failures=("it exploded",))


def test_contenders__are_called_by_letters_the_best_first() -> None:
    compared, letters = lettered(Comparison([OTHER, FOUND, MODEL, BROKEN]))
    assert letters == {"A": "Linear-8 Tanh", "B": "ReLU", "C": "Tanh"}
    assert "The found network A and SVC differ by" in compared.verdict()
    panel = contenders(compared)
    assert [dot.name for dot in panel.dots] == ["A (found)", "SVC", "B (found)"], "who failed has no result"
    assert panel.dots[0].x.value == pytest.approx(0.75) and panel.dots[0].x.low < 0.7
    assert panel.dots[1].x.low == panel.dots[1].x.high == 0.6


def test_contenders__stand_beside_the_best_possible_where_it_is_known() -> None:
    metric = perplexity(8, "bracket", best_possible=3.5)
    one = Contender("a", True, (4.0, 4.4), (4.1, 4.2))
    panel = contenders(Comparison([one], metric))
    assert [(dot.name, dot.x.value) for dot in panel.dots][1] == ("the grammar's own", 3.5)
    assert panel.x.falling and "lower is better" in panel.x.title
