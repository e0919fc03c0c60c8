from typing import Any

import pytest

from agents.errors import RunFolderError
from nas_gym.studies.summary import distinct_architectures, finalists, last_tenth_mean, summarise


def rows(*entries: tuple[str | None, float | None, int | None, str]) -> list[dict[str, Any]]:
    return [
        {
            "episode": episode,
            "architecture": architecture,
            "reward": -1.0 if accuracy is None else accuracy,
            "status": status,
            "validation_accuracy": accuracy,
            "parameters": parameters,
            "seed": 0,
            "reason": None,
        }
        for episode, (architecture, accuracy, parameters, status) in enumerate(entries, start=1)
    ]


@pytest.mark.parametrize(
    ("rewards", "mean"),
    [([3.0], 3.0), (list(range(9)), 8.0), (list(range(10)), 9.0), (list(range(20)), 18.5)],
)
def test_last_tenth_mean__is_of_the_last_tenth_and_of_at_least_one(rewards: list[float], mean: float) -> None:
    assert last_tenth_mean(rewards) == mean


def test_finalists__ties_go_to_often_proposed_then_small_then_early() -> None:
    found = finalists(
        rows(
            ("early", 0.9, 5, "ok"),
            ("late", 0.9, 5, "ok"),
            ("small", 0.9, 4, "ok"),
            ("often", 0.9, 9, "ok"),
            ("worse", 0.8, 1, "ok"),
            ("best", 0.95, 99, "ok"),
            ("often", 0.9, 9, "ok"),
            ("worse", 0.8, 1, "ok"),
            ("failed", None, None, "failed"),
            (None, None, None, "illegal"),
        ),
        5,
    )
    assert [row["architecture"] for row in found] == ["best", "often", "small", "early", "late"]
    assert found[1]["episode"] == 4  # the first proposal's row


def test_finalists__are_those_with_the_highest_rewards() -> None:
    found = rows(("accurate", 0.9, 5, "ok"), ("rewarded", 0.8, 5, "ok"), ("failed", None, None, "failed"))
    found[1]["reward"], found[2]["reward"] = 1.2, 5.0
    assert [row["architecture"] for row in finalists(found, 3)] == ["rewarded", "accurate"]


def perplexities(*entries: tuple[str, float]) -> list[dict[str, Any]]:
    found = rows(*((name, None, 5, "ok") for name, _ in entries))
    for row, (_, perplexity) in zip(found, entries, strict=True):
        row["validation_perplexity"], row["reward"] = perplexity, 80 / perplexity**2
    return [*found, *rows((None, None, None, "illegal"))]


def test_summarise__of_language_models_tells_the_lowest_perplexity() -> None:
    episodes = perplexities(("worse", 90.0), ("best", 10.0))
    episodes[-1]["validation_perplexity"] = None
    summary = summarise("E", "a", 7, episodes, {}, episodes[0])
    assert summary["lowest_validation_perplexity"] == 10.0
    assert "highest_validation_accuracy" not in summary
    assert summary["best"] == {"architecture": "worse", "validation_perplexity": 90.0, "parameters": 5}
    front = [{"architecture": "best", "validation_perplexity": 10.0, "parameters": 5}]
    assert summary["pareto_front"] == {"parameters": front}


def test_finalists__none_trained_is_one_line() -> None:
    nothing = rows((None, None, None, "illegal"), ("ReLU", None, None, "failed"))
    with pytest.raises(RunFolderError, match="none of 2 episodes ended with a trained network"):
        finalists(nothing, 1)
    nothing[1] = {**nothing[1], "reason": "ValueError: too small"}
    with pytest.raises(RunFolderError, match=r"there is no best one; ValueError: too small$"):
        finalists(nothing, 1)


def test_summarise__counts_what_happened() -> None:
    episodes = rows(
        ("ReLU", 0.9, 5, "ok"),
        ("ReLU", 0.9, 5, "ok"),
        ("Tanh", 0.8, 6, "ok"),
        (None, None, None, "illegal"),
        ("Sigmoid", None, None, "timed_out"),
        ("Linear-1", None, None, "failed"),
    )
    assert distinct_architectures(episodes) == 4
    summary = summarise(
        "E", "a", 7, episodes, {"search_seconds": 2.0, "evaluation_seconds": 1.0}, episodes[2]
    )
    assert summary == {
        "env": "E",
        "agent": "a",
        "seed": 7,
        "episodes": 6,
        "distinct_architectures": 4,
        "illegal_episodes": 1,
        "failed_children": 2,
        "mean_reward_last_10_percent": -1.0,
        "highest_validation_accuracy": 0.9,
        "search_seconds": 2.0,
        "evaluation_seconds": 1.0,
        "best": {"architecture": "Tanh", "validation_accuracy": 0.8, "parameters": 6},
        "pareto_front": {
            "parameters": [{"architecture": "ReLU", "validation_accuracy": 0.9, "parameters": 5}]
        },
    }
