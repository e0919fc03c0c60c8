from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas_gym.studies.pareto_front import draw_pareto_front, pareto_fronts

Row = dict[str, Any]


def row(architecture: str, accuracy: float | None, parameters: int | None, multiply_adds: int | None) -> Row:
    return {
        "architecture": architecture,
        "status": "failed" if accuracy is None else "ok",
        "validation_accuracy": accuracy,
        "parameters": parameters,
        "multiply_adds": multiply_adds,
    }


def names(front: list[Row]) -> list[str]:
    return [point["architecture"] for point in front]


def test_pareto_fronts__are_what_no_other_beats_cheapest_first() -> None:
    rows = [
        row("large", 0.9, 100, 10),
        row("beaten", 0.8, 90, 95),
        row("small", 0.8, 20, 90),
        row("same", 0.8, 20, 90),
        row("as good but larger", 0.9, 101, 11),
        row("worse at the same size", 0.7, 20, 12),
        row("smallest", 0.1, 1, 1),
        row("failed", None, 1, 1),
    ]
    fronts = pareto_fronts(rows)
    assert names(fronts["parameters"]) == ["smallest", "small", "large"]
    assert names(fronts["multiply_adds"]) == ["smallest", "large"]
    assert fronts["parameters"][1] == {
        "architecture": "small",
        "validation_accuracy": 0.8,
        "parameters": 20,
        "multiply_adds": 90,
    }


def test_pareto_fronts__agree_with_the_definition() -> None:
    generator = np.random.default_rng(0)
    rows = [
        row(str(i), float(a) / 10, int(p), None)
        for i, (a, p) in enumerate(generator.integers(10, size=(60, 2)))
    ]
    front = {
        (point["validation_accuracy"], point["parameters"]) for point in pareto_fronts(rows)["parameters"]
    }
    points = {(r["validation_accuracy"], r["parameters"]) for r in rows}
    assert front == {
        (a, p) for a, p in points if not any(b >= a and q <= p and (b, q) != (a, p) for b, q in points)
    }


def test_pareto_fronts__take_the_mean_of_several_trainings() -> None:
    rows = [row("lucky once", 1.0, 10, None), row("steady", 0.8, 10, None), row("lucky once", 0.5, 10, None)]
    assert names(pareto_fronts(rows)["parameters"]) == ["steady"]


def perplexity(architecture: str, perplexity: float, parameters: int) -> Row:
    return row(architecture, 0.0, parameters, None) | {
        "validation_accuracy": None,
        "validation_perplexity": perplexity,
    }


def test_pareto_fronts__of_language_models_are_of_low_perplexities() -> None:
    rows = [perplexity("large", 5.0, 30), perplexity("wasteful", 8.0, 20), perplexity("small", 8.0, 10)]
    (front,) = pareto_fronts([*rows, row("failed", None, None, None)]).values()
    assert [(point["architecture"], point["validation_perplexity"]) for point in front] == [
        ("small", 8.0),
        ("large", 5.0),
    ]


def test_pareto_fronts__do_not_take_rounding_for_progress() -> None:
    rows = [row("small", 0.98, 3, 4), *[row("large", 0.98, 5, 6)] * 10]
    assert names(pareto_fronts(rows)["parameters"]) == ["small"]


@pytest.mark.timeout(20)  # the first drawing in a process reads the fonts
@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "costs"),
    [
        ([], []),
        ([row("failed", None, 3, 4)], []),
        ([row("a", 0.5, None, None)], []),
        ([row("a", 0.5, 3, None)], ["parameters"]),
        ([perplexity("a", 5.0, 30), perplexity("b", 900.0, 10)], ["parameters"]),
        ([row("a", 0.5, 3, 4), row("b", 0.5, 5, None)], ["parameters"]),
        ([row("a", 0.5, 3, 4), row("failed", None, None, None)], ["parameters", "multiply_adds"]),
        ([{k: v for k, v in row("a", 0.5, 3, 4).items() if k != "multiply_adds"}], ["parameters"]),
    ],
)
def test_pareto_fronts__are_of_known_costs_and_so_is_their_picture(
    rows: list[Row], costs: list[str], tmp_path: Path
) -> None:
    picture = tmp_path / "pareto_front.png"
    assert list(pareto_fronts(rows)) == costs
    assert draw_pareto_front(picture, rows, "a run") == bool(costs)
    assert picture.exists() == bool(costs)
    if costs:
        assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_pareto_front__of_networks_of_one_size_is_not_drawn(tmp_path: Path) -> None:
    rows = [row("a", 0.5, 3, 4), row("b", 0.6, 3, 4)]
    assert names(pareto_fronts(rows)["parameters"]) == ["b"]
    assert not draw_pareto_front(tmp_path / "pareto_front.png", rows, "a run")
    assert list(tmp_path.iterdir()) == []
