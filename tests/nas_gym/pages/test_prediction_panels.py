import numpy as np
import pytest

from nas_gym.pages.prediction_panels import calibration, confusion, predicted_and_true, regions

LABELS = np.array([0, 0, 0, 1])
SAID = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])


def test_confusion__counts_what_is_taken_for_what() -> None:
    panel = confusion(["cat", "dog"], LABELS, SAID)
    assert panel.heat_map is not None
    texts = [[cell.text if cell else None for cell in row] for row in panel.heat_map.cells]
    assert texts == [["2", "1"], ["", "1"]]
    wrong = panel.heat_map.cells[0][1]
    assert wrong is not None and wrong.shade == pytest.approx(1 / 3) and not wrong.bold
    assert wrong.meaning == "cat taken for dog: 1 of 3 (33%)"
    assert panel.note.startswith("3 of 4 samples")


def test_confusion__of_a_class_without_samples_divides_by_nothing() -> None:
    panel = confusion(["cat", "dog"], np.array([0]), SAID[:1])
    assert panel.heat_map is not None
    empty = panel.heat_map.cells[1][1]
    assert empty is not None and (empty.shade, empty.meaning) == (0.0, "dog taken for dog: 0 of 0")


def test_calibration__holds_sureness_against_hits() -> None:
    # Twice sure by 0.9, of which one is right; four times by 0.6, of which all are right.
    said = np.array([[0.95, 0.05], [0.95, 0.05], *[[0.62, 0.38]] * 4])
    panel = calibration(np.array([0, 1, 0, 0, 0, 0]), said)
    diagonal, network = panel.lines
    assert diagonal.dashed and list(diagonal.x) == [0.5, 1.0]
    assert network.x == pytest.approx([0.62, 0.95]) and list(network.y.mean) == [1.0, 0.5]
    assert network.y.low[0] < 1.0 == network.y.high[0] and 0 < network.y.low[1] < 0.5 < network.y.high[1]
    error = 4 / 6 * 0.38 + 2 / 6 * 0.45
    assert f"error {error:.3f}" in panel.note


def test_calibration__knows_who_is_wholly_sure() -> None:
    panel = calibration(np.array([0, 1]), np.eye(2))
    assert list(panel.lines[1].x) == [1.0] and "error 0.000" in panel.note


def test_regions__follow_the_network_and_hold_the_samples() -> None:
    features = np.array([[-1.0, 0.0], [1.0, 2.0], [0.5, 1.0]], dtype=np.float32)

    def ask(
        places: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    ) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        right = 1 / (1 + np.exp(-10 * places[:, 0].astype(np.float64)))
        return np.stack([1 - right, right], axis=1)

    panel = regions(["left", "right"], features, np.array([0, 1, 1]), ask)
    assert panel.regions is not None
    kinds, sureness = np.array(panel.regions.kinds), np.array(panel.regions.sureness)
    x = np.array(panel.regions.x)
    assert (kinds == (x > 0)).all() and x[0] < -1 and x[-1] > 1
    assert sureness[0, 0] > 0.99 and sureness[0, np.abs(x).argmin()] < 0.2
    assert [list(points.x) for points in panel.points] == [[-1.0], [1.0, 0.5]]


def test_predicted_and_true__has_one_scale_on_both_axes() -> None:
    panel = predicted_and_true(np.array([1.0, 5.0]), np.array([2.0, 11.0]))
    assert panel.x.ends == panel.y.ends and panel.x.ends is not None
    assert panel.x.ends[0] < 1 and panel.x.ends[1] > 11
    assert list(panel.points[0].meanings) == ["1, said 2", "5, said 11"]
