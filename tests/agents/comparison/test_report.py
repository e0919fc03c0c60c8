from pathlib import Path
from typing import Any

import pytest

from agents.comparison.report import METRICS, aggregate, draw_comparison, markdown_table, run_result


def rows(accuracies: list[float | None]) -> list[dict[str, Any]]:
    return [
        {
            "architecture": None if accuracy is None else f"net {accuracy}",
            "reward": -1.0 if accuracy is None else accuracy,
            "validation_accuracy": accuracy,
        }
        for accuracy in accuracies
    ]


def test_run_result__counts_illegal_sentences_as_episodes_but_not_as_architectures() -> None:
    result = run_result(3, rows([None, 0.5, 0.75, 0.75]), seconds=2.0)
    assert result["rewards"] == [-1.0, 0.5, 0.75, 0.75]
    assert result["distinct_architectures"] == 2
    assert result["best_validation_accuracy"] == 0.75
    assert result["mean_reward_last_10_percent"] == 0.75
    assert (result["seed"], result["seconds"]) == (3, 2.0)


def test_aggregate__gives_mean_and_interval_of_every_metric() -> None:
    runs = [run_result(seed, rows([accuracy] * 10), 1.0) for seed, accuracy in enumerate((0.5, 0.7, 0.9))]
    metrics = aggregate(runs)
    assert set(metrics) == set(METRICS)
    reward = metrics["mean_reward_last_10_percent"]
    assert reward["mean"] == pytest.approx(0.7)
    assert 0.5 <= reward["low"] < 0.7 < reward["high"] <= 0.9


def test_markdown_table__has_a_line_for_each_agent() -> None:
    metrics = aggregate([run_result(0, rows([0.5] * 10), 1.5)])
    lines = markdown_table({"ppo": {"metrics": metrics}, "random": {"metrics": metrics}}).splitlines()
    assert [line.split("|")[1].strip() for line in lines] == ["agent", "---", "ppo", "random"]
    assert "0.5000 [0.5000, 0.5000]" in lines[2]
    assert len({line.count("|") for line in lines}) == 1


def test_draw_comparison__writes_a_picture(tmp_path: Path) -> None:
    runs = [run_result(seed, rows([0.5, 0.6, 0.7, 0.8]), 1.0) for seed in range(2)]
    draw_comparison(tmp_path / "comparison.png", {"ppo": {"runs": runs}}, "title")
    assert (tmp_path / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["comparison.png"]
