import numpy as np
import pytest

from nas_gym.benchmark.findings import compare, find, find_together, ranking, scores
from tests.nas_gym.benchmark.results import BRACKETS, BUDGET, make_runs


def test_find__has_every_measure_of_an_environment_with_a_table() -> None:
    found = find(make_runs({"a": 0.8, "b": 0.9}, seeds=10, reached=["b"]), BUDGET)
    assert found["metrics"] == ["test", "validation"]
    assert ranking(found) == ["b", "a"]
    assert found["milestones"] == [4, 8, 20]
    best = found["agents"]["b"]
    assert best["optimum"]["runs"] == 10
    assert best["reached_curve"]["mean"] == [0.0] * 9 + [1.0] * 11
    assert best["ended_by"] == {"budget": 10}
    value = best["interquartile_means"]["validation"]
    assert value["low"] < value["value"] < value["high"]
    assert best["metrics"]["seconds"] == {"mean": 2.0, "low": 2.0, "high": 2.0}
    for measure in ("test", "validation", "children"):
        (pair,) = found["comparisons"][measure]
        assert (pair["first"], pair["second"], pair["decided"]) == ("b", "a", True)


def test_find__knows_neither_test_nor_regret_without_a_table() -> None:
    found = find(make_runs({"a": 0.8}, seeds=2, judged=False), None)
    assert found["metrics"] == ["validation"]
    assert found["agents"]["a"]["optimum"] is None
    assert "test_regret" not in found["agents"]["a"]["metrics"]
    assert found["children"][-1] == BUDGET


def test_find__of_perplexities_takes_the_lower_for_the_better() -> None:
    runs = make_runs({"a": 4.2, "b": 4.0}, seeds=10, judged=False, metric=BRACKETS)
    runs["a"][0]["curve"]["children"][0] = 3  # until then it counts as guessing
    found = find(runs, BUDGET, BRACKETS)
    assert found["metrics"] == ["validation_perplexity"]
    assert found["references"] == {"the grammar's own": 3.5}
    assert ranking(found) == ["b", "a"]
    (pair,) = found["comparisons"]["validation_perplexity"]
    assert (pair["first"], pair["second"], pair["decided"]) == ("b", "a", True)
    value = found["agents"]["b"]["interquartile_means"]["validation_perplexity"]
    assert 3.9 < value["low"] < value["value"] < value["high"] < 4.1
    start, *_, end = found["agents"]["a"]["curves"]["validation_perplexity"]["mean"]
    assert start == pytest.approx((8 + 9 * 4.3) / 10, abs=0.02) and end == pytest.approx(4.2, abs=0.02)


def test_scores__tie_runs_that_did_not_reach_the_optimum_behind_those_that_did() -> None:
    (runs,) = make_runs({"a": 0.8}, seeds=3).values()
    runs[0]["children_to_optimum"] = BUDGET
    assert scores(runs, "children", BUDGET).tolist() == [-20, -21, -21]


@pytest.mark.parametrize(("seeds", "decided"), [(3, False), (4, True)])
def test_compare__needs_four_seeds_for_a_decision(seeds: int, decided: bool) -> None:
    values = np.arange(seeds, dtype=np.float64)[:, None]
    assert compare({"a": values, "b": values + 100})[0]["decided"] is decided


@pytest.mark.slow  # 28 pairs
@pytest.mark.timeout(20)
def test_compare__asks_more_of_each_pair_if_there_are_many() -> None:
    generator = np.random.default_rng(2)
    agents = {name: generator.normal(size=(30, 1)) for name in "abcdefgh"}
    agents["b"] = agents["a"] + 0.65
    (alone,) = compare({"a": agents["a"], "b": agents["b"]})
    assert alone["decided"]
    (among,) = [pair for pair in compare(agents) if {pair["first"], pair["second"]} == {"a", "b"}]
    assert (among["low"], among["decided"]) == (alone["low"], False)


def test_find_together__of_accuracy_and_perplexity_finds_the_one_that_is_better_by_both() -> None:
    findings = {
        "accuracy": find(make_runs({"a": 0.8, "b": 0.9}, seeds=10), BUDGET),
        "perplexity": find(
            make_runs({"a": 4.2, "b": 4.0}, seeds=10, judged=False, metric=BRACKETS), BUDGET, BRACKETS
        ),
    }
    together = find_together(findings, BUDGET)
    assert together is not None
    assert (together[0]["first"], together[0]["probability"], together[0]["decided"]) == ("b", 1.0, True)


def test_find_together__averages_over_environments() -> None:
    one = find(make_runs({"a": 0.8, "b": 0.9}, seeds=10), BUDGET)
    other = find(make_runs({"a": 0.9, "b": 0.8}, seeds=10), BUDGET)
    together = find_together({"one": one, "other": other}, BUDGET)
    assert together is not None
    assert together[0]["probability"] == pytest.approx(0.5, abs=0.05)
    assert not together[0]["decided"]
    assert find_together({"one": one}, BUDGET) is None
