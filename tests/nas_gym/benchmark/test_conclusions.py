import pytest

from nas_gym.benchmark.conclusions import conclude, conclude_together
from nas_gym.benchmark.findings import find, find_together
from nas_gym.benchmark.runs import Limits
from tests.nas_gym.benchmark.results import BRACKETS, BUDGET, make_runs

LIMITS = Limits(BUDGET, 4 * BUDGET)


@pytest.mark.slow  # nine comparisons of thirty runs
@pytest.mark.timeout(20)
def test_conclude__says_who_is_better_and_where_the_data_do_not_decide() -> None:
    runs = make_runs({"good": 0.9, "twin": 0.9, "bad": 0.8}, seeds=30, reached=["good"])
    words = conclude(find(runs, BUDGET), LIMITS)
    may, may_not = " ".join(words["may"]), " ".join(words["may_not"])
    assert "By test accuracy of the answer: good is better than bad with probability 1.00 [0.9" in may
    assert "good is better than every other agent: than" in may  # by children up to the optimum
    assert "good reached the optimum in 30 of 30 runs, the median after 10 children [10, 10]." in may
    pairs = [sentence for sentence in words["may_not"] if "do not decide" in sentence]
    assert any(
        text.startswith("By test accuracy of the answer the data do not decide between") for text in pairs
    )
    assert all("good and twin" in text or "twin and good" in text for text in pairs)
    assert "No run of twin or bad reached the optimum" in may_not


def test_conclude__of_equal_agents_claims_nothing() -> None:
    runs = make_runs({"a": 0.9}, seeds=12, judged=False)
    words = conclude(find({"a": runs["a"], "b": runs["a"]}, BUDGET), LIMITS)
    assert words["may"] == ["No two agents can be told apart."]
    assert any("a and b earned the same rewards in all runs" in text for text in words["may_not"])
    assert any("no table" in text for text in words["may_not"])


def test_conclude__warns_of_few_seeds_and_of_runs_that_ended_early() -> None:
    runs = make_runs({"a": 0.9, "b": 0.5}, seeds=3)
    runs["b"][0]["ended_by"] = "episodes"
    words = conclude(find(runs, BUDGET), LIMITS)
    assert any(
        "With 3 runs of each agent no difference is called decided" in text for text in words["may_not"]
    )
    assert any("1 of b ended at 80 episodes, with fewer than 20" in text for text in words["may_not"])
    many = conclude(find(make_runs({"a": 0.9, "b": 0.5}, seeds=30), BUDGET), LIMITS)
    assert not any("seeds are few" in text or "ended at" in text for text in many["may_not"])


def test_conclude__of_perplexities_speaks_of_the_lowest() -> None:
    runs = make_runs({"a": 4.2, "b": 4.0}, seeds=10, judged=False, metric=BRACKETS)
    for run in runs["b"]:
        run["curve"]["validation_perplexity"][0] = 5.0
    findings = {
        "Brackets": find(runs, BUDGET, BRACKETS),
        "Moons": find(make_runs({"a": 0.9, "b": 0.8}, 10), 20),
    }
    words = conclude(findings["Brackets"], LIMITS)
    may, may_not = " ".join(words["may"]), " ".join(words["may_not"])
    lowest = min(run["best_validation_perplexity"] for run in runs["b"])
    assert "By validation perplexity of the answer: b is better than a with probability 1.00" in may
    assert (
        f"The lowest validation perplexity of all runs is {lowest:.3f}, by b; the grammar's own is 3.500."
        in may
    )
    assert "the lowest mean has a after 4, a after 8 and b after 20 children" in may_not
    assert "is the lowest of many, which luck has lowered; test perplexity and" in may_not
    assert "accuracy" not in may + may_not

    together = conclude_together(findings, find_together(findings, BUDGET))
    assert "each by its own metric, the data do not decide between" in together["may_not"][0]
    assert "b on Brackets and a on Moons" in together["may_not"][1]


def test_conclude_together__says_where_the_winner_depends_on_the_environment() -> None:
    findings = {
        "one": find(make_runs({"a": 0.8, "b": 0.9}, seeds=10), BUDGET),
        "other": find(make_runs({"a": 0.9, "b": 0.8}, seeds=10), BUDGET),
    }
    words = conclude_together(findings, find_together(findings, BUDGET))
    assert (
        "Which of a and b is better depends on the environment: b on one and a on other." in words["may_not"]
    )
    assert words["may"] == []
