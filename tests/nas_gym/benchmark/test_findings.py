from dataclasses import replace

import numpy as np
import pytest

from nas_gym.benchmark.findings import compare, find, find_together, ranks
from nas_gym.pages.intervals import Interval
from nas_gym.tasks.metric import ACCURACY
from tests.nas_gym.benchmark.made_up import BRACKETS, BUDGET, make_runs


def test_find__has_every_measure_of_an_environment_with_a_table() -> None:
    found = find(make_runs({"a": 0.8, "b": 0.9}, seeds=10, reached=["b"]), BUDGET, ACCURACY)
    assert found.parts == ("test", "validation")
    assert (found.ranking, found.seeds, found.milestones) == (["b", "a"], 10, [4, 8, 20])
    best = found.agents["b"]
    assert best.optimum is not None and best.optimum.runs == 10
    assert best.optimum.curve.mean == [0.0] * 9 + [1.0] * 11
    assert (best.ended_by("budget"), best.ended_by("episodes")) == (10, 0)
    value = best.interquartile_means["validation"]
    assert value.low < value.value < value.high
    assert best.means["agent_seconds"] == Interval(0.5, 0.5, 0.5)
    assert list(found.comparisons) == ["test", "validation", "children"]
    for (pair,) in found.comparisons.values():
        assert (pair.first, pair.second, pair.decided) == ("b", "a", True)


def test_find__knows_neither_test_nor_regret_without_a_table() -> None:
    found = find(make_runs({"a": 0.8}, seeds=2, judged=False), None, ACCURACY)
    assert found.parts == ("validation",)
    assert found.agents["a"].optimum is None
    assert "test_regret" not in found.agents["a"].means
    assert found.children[-1] == BUDGET


def test_find__of_perplexities_takes_the_lower_for_the_better() -> None:
    runs = make_runs({"a": 4.2, "b": 4.0}, seeds=10, judged=False, metric=BRACKETS)
    runs["a"][0] = replace(runs["a"][0], curve=replace(runs["a"][0].curve, children=[3, 10]))
    found = find(runs, BUDGET, BRACKETS)  # until its first answer a run counts as guessing
    assert found.ranking == ["b", "a"]
    (pair,) = found.comparisons["validation"]
    assert (pair.first, pair.second, pair.decided) == ("b", "a", True)
    value = found.agents["b"].interquartile_means["validation"]
    assert 3.9 < value.low < value.value < value.high < 4.1
    start, *_, end = found.agents["a"].curves["validation"].mean
    assert start == pytest.approx((8 + 9 * 4.3) / 10, abs=0.02) and end == pytest.approx(4.2, abs=0.02)


def test_ranks__tie_runs_that_did_not_reach_the_optimum_behind_those_that_did() -> None:
    (runs,) = make_runs({"a": 0.8}, seeds=3).values()
    runs[0] = replace(runs[0], children_to_optimum=BUDGET)
    assert ranks(runs, "children", ACCURACY, BUDGET).tolist() == [-20, -21, -21]


@pytest.mark.parametrize(("seeds", "decided"), [(3, False), (4, True)])
def test_compare__needs_four_seeds_for_a_decision(seeds: int, decided: bool) -> None:
    values = np.arange(seeds, dtype=np.float64)[:, None]
    assert compare({"a": values, "b": values + 100})[0].decided is decided


@pytest.mark.slow  # 28 pairs
@pytest.mark.timeout(20)
def test_compare__asks_more_of_each_pair_if_there_are_many() -> None:
    generator = np.random.default_rng(2)
    agents = {name: generator.normal(size=(30, 1)) for name in "abcdefgh"}
    agents["b"] = agents["a"] + 0.65
    (alone,) = compare({"a": agents["a"], "b": agents["b"]})
    assert alone.decided
    (among,) = [pair for pair in compare(agents) if {pair.first, pair.second} == {"a", "b"}]
    assert (among.probability, among.decided) == (alone.probability, False)


def test_find_together__averages_over_environments_each_by_its_own_metric() -> None:
    one = find(make_runs({"a": 0.8, "b": 0.9}, seeds=10), BUDGET, ACCURACY)
    other = find(make_runs({"a": 0.9, "b": 0.8}, seeds=10), BUDGET, ACCURACY)
    runs = make_runs({"a": 4.2, "b": 4.0}, seeds=10, judged=False, metric=BRACKETS)
    (pair,) = find_together({"one": one, "other": other}) or []
    assert pair.probability.value == pytest.approx(0.5, abs=0.05) and not pair.decided
    (pair,) = find_together({"one": one, "brackets": find(runs, BUDGET, BRACKETS)}) or []
    assert (pair.first, pair.probability.value, pair.decided) == ("b", 1.0, True)
    assert find_together({"one": one}) is None
