from dataclasses import replace

import pytest

from nas_gym.benchmark.findings import Findings, find, find_together
from nas_gym.benchmark.report.words import conclude, conclude_together
from nas_gym.benchmark.runs import Limits
from nas_gym.tasks.metric import ACCURACY
from tests.nas_gym.benchmark.made_up import BRACKETS, BUDGET, make_runs

LIMITS = Limits(BUDGET, 4 * BUDGET)


def found(agents: dict[str, float], seeds: int, reached: tuple[str, ...] = ()) -> Findings:
    return find(make_runs(agents, seeds, reached=reached), BUDGET, ACCURACY)


@pytest.mark.slow  # nine comparisons of thirty runs
@pytest.mark.timeout(20)
def test_conclude__says_who_is_better_and_where_the_data_do_not_decide() -> None:
    words = conclude(found({"good": 0.9, "twin": 0.9, "bad": 0.8}, 30, ("good",)), LIMITS)
    may, may_not = " ".join(words.may), " ".join(words.may_not)
    assert "By test accuracy of the answer: good is better than bad with probability 1.00 [0.9" in may
    assert "good is better than every other agent: than" in may  # by children up to the optimum
    assert "good reached the optimum in 30 of 30 runs, the median after 10 children [10, 10]." in may
    pairs = [sentence for sentence in words.may_not if "do not decide" in sentence]
    start = "By test accuracy of the answer the data do not decide between"
    assert any(text.startswith(start) for text in pairs)
    assert all("good and twin" in text or "twin and good" in text for text in pairs)
    assert "No run of twin or bad reached the optimum" in may_not


def test_conclude__of_equal_agents_claims_nothing() -> None:
    runs = make_runs({"a": 0.9}, seeds=12, judged=False)["a"]
    words = conclude(find({"a": runs, "b": runs}, BUDGET, ACCURACY), LIMITS)
    assert words.may == ["No two agents can be told apart."]
    assert any("a and b earned the same rewards in all runs" in text for text in words.may_not)
    assert any("no table" in text for text in words.may_not)
    assert not any("reached the optimum" in text for text in words.may_not)


def test_conclude__warns_of_few_seeds_and_of_runs_that_ended_early() -> None:
    runs = make_runs({"a": 0.9, "b": 0.5}, seeds=3)
    runs["b"][0] = replace(runs["b"][0], ended_by="episodes")
    may_not = " ".join(conclude(find(runs, BUDGET, ACCURACY), LIMITS).may_not)
    assert "With 3 runs of each agent no difference is called decided" in may_not
    assert "1 of b ended at 80 episodes, with fewer than 20" in may_not
    many = " ".join(conclude(found({"a": 0.9, "b": 0.5}, 30), LIMITS).may_not)
    assert "seeds are few" not in many and "ended at" not in many


def test_conclude__of_perplexities_speaks_of_the_lowest() -> None:
    runs = make_runs({"a": 4.2, "b": 4.0}, seeds=10, judged=False, metric=BRACKETS)
    early = [replace(run.curve, validation_scores=[5.0, run.validation_score]) for run in runs["b"]]
    runs["b"] = [replace(run, curve=curve) for run, curve in zip(runs["b"], early, strict=True)]
    findings = {"Brackets": find(runs, BUDGET, BRACKETS), "Moons": found({"a": 0.9, "b": 0.8}, 10)}
    words = conclude(findings["Brackets"], LIMITS)
    may, may_not = " ".join(words.may), " ".join(words.may_not)
    assert "By validation perplexity of the answer: b is better than a with probability 1.00" in may
    lowest = f"{min(run.validation_score for run in runs['b']):.3f}"
    own = "the grammar's own is 3.500."
    assert f"The lowest validation perplexity of all runs is {lowest}, by b; {own}" in may
    assert "the lowest mean has a after 4, a after 8 and b after 20 children" in may_not
    assert "is the lowest of many, which luck has lowered; test perplexity and" in may_not
    assert "accuracy" not in may + may_not

    together = conclude_together(findings, find_together(findings))
    assert "each by its own metric, the data do not decide between" in together.may_not[0]
    assert "b on Brackets and a on Moons" in together.may_not[1]


def test_conclude_together__says_where_the_winner_depends_on_the_environment() -> None:
    findings = {"one": found({"a": 0.8, "b": 0.9}, 10), "other": found({"a": 0.9, "b": 0.8}, 10)}
    words = conclude_together(findings, find_together(findings))
    where = "Which of a and b is better depends on the environment: b on one and a on other."
    assert where in words.may_not and words.may == []
    alone = {"one": findings["one"]}
    assert "Nothing is known of any environment but one." in conclude_together(alone, None).may_not
