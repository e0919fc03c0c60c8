from dataclasses import replace
from statistics import mean
from typing import Any

import pytest

from nas_gym.studies.comparison import Comparison, Contender
from nas_gym.studies.significance import gap, interval
from nas_gym.tasks.metric import PERPLEXITY

FOUND, HAND_MADE = (0.981, 0.985, 0.984), (0.970, 0.975, 0.974)


def contender(
    name: str,
    found: bool,
    test: tuple[float, ...],
    validation: float = 0.9,
    **more: Any,  # noqa: ANN401
) -> Contender:
    return Contender(name, found, (validation,) * len(test), test, 1234, None, 2.5, **more)


def test_winner__is_chosen_on_validation_data() -> None:
    better, lucky = contender("a", True, (0.7, 0.7), 0.95), contender("b", True, (0.9, 0.9), 0.94)
    reference = contender("hand-made", False, (0.9, 0.9), 0.99)
    assert Comparison([lucky, better, reference]).winner is better
    assert Comparison([lucky, better, reference], PERPLEXITY).winner is lucky, "of 0.94, the lower one"


def test_winner__is_one_that_always_learns_before_one_that_fails_at_times() -> None:
    steady = contender("a", True, (0.7, 0.7), 0.8)
    failing = contender("b", True, (0.9,), 0.95, failures=("loss",))
    hopeless = contender("c", True, (), failures=("loss", "loss"))
    assert Comparison([hopeless, failing, steady]).winner is steady
    assert Comparison([hopeless, failing]).winner is failing
    assert Comparison([hopeless]).winner is None


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (HAND_MADE, "exceeds the noise between seeds, net is better"),
        ((0.99, 0.992, 0.991), "exceeds the noise between seeds, hand-made is better"),
        ((0.95, 0.99, 0.97), "the gap does not exceed the noise"),
        ((0.98,), "cannot be told"),
    ],
)
def test_verdict__says_whether_the_gap_exceeds_the_noise(reference: tuple[float, ...], words: str) -> None:
    text = Comparison([contender("net", True, FOUND), contender("hand-made", False, reference)]).verdict()
    assert words in text
    assert f"{100 * (mean(FOUND) - mean(reference)):+.2f} points of test accuracy" in text


def test_verdict__on_a_model_that_comes_out_alike_needs_one_training_of_it() -> None:
    reference = contender("SVC", False, (0.97,), certain=True)
    text = Comparison([contender("net", True, FOUND), reference]).verdict()
    bounds = gap(FOUND, (0.97,), second_is_certain=True)
    assert bounds is not None
    assert f"95 % interval {100 * bounds[0]:+.2f} to {100 * bounds[1]:+.2f}: the gap exceeds" in text


def test_verdict__on_perplexities_is_of_their_ratio_and_lower_is_better() -> None:
    found, reference = contender("cell", True, (90.0, 91.0)), contender("LSTM-9", False, (100.0, 101.0))
    text = Comparison([found, reference], PERPLEXITY).verdict()
    ratio = (90 * 91 / (100 * 101)) ** 0.5
    assert f"cell and LSTM-9 differ by {100 * (ratio - 1):+.2f} % in test perplexity" in text
    assert text.endswith("the gap exceeds the noise between seeds, cell is better.")


def test_verdict__without_a_reference_or_without_a_winner() -> None:
    net = contender("net", True, FOUND)
    failed = contender("other", False, (), failures=("ValueError: no",))
    assert "no reference" in Comparison([net]).verdict()
    assert "no reference" in Comparison([net, failed]).verdict()
    nothing = Comparison([contender("net", True, (), failures=("the loss is not finite",)), net_of_hand()])
    assert nothing.verdict() == (
        "Every training of what was found failed, there is nothing to compare: the loss is not finite."
    )


def net_of_hand() -> Contender:
    return contender("hand-made", False, (0.8,))


def test_markdown__has_a_row_for_each_contender() -> None:
    failed = contender("broken", True, (), failures=("ValueError: a | b",) * 2)
    table = Comparison([net_of_hand(), failed, contender("net", True, FOUND, 0.95)]).markdown()
    head, line, *rows = table.splitlines()
    assert head.startswith(
        "| network | test accuracy [95 % interval] | validation accuracy [95 % interval] | seeds |"
    )
    assert line == "| " + " | ".join(["---"] * 7) + " |"
    assert rows[0].startswith("| `net` | 0.9833 [") and "| 3 | 1,234 |  | 2.5 |" in rows[0]
    assert rows[1].startswith("| hand-made | 0.8000 | 0.9000 | 1 |")
    assert rows[2].startswith("| `broken` |  |  | 2 of 2 failed: ValueError: a / b |")
    assert {row.count("|") for row in (head, line, *rows)} == {8}


def test_perplexities__are_averaged_as_losses_and_given_in_bits_by_character() -> None:
    cell = Contender("cell", True, (4.0, 16.0), (2.0, 8.0))
    metric = replace(PERPLEXITY, by="character", best_possible=3.5)
    compared = Comparison([cell], metric)
    values: Any = compared.as_json()[0]
    assert values["test"]["scores"] == (2.0, 8.0)
    assert values["test"]["mean"] == pytest.approx(4.0)
    assert values["test_bits_per_character"] == pytest.approx(2.0)
    assert values["validation"]["mean"] == pytest.approx(8.0)
    for part, of_bits in (("test", (1.0, 3.0)), ("validation", (2.0, 4.0))):
        bits = interval(of_bits)
        assert bits is not None
        assert (values[part]["low"], values[part]["high"]) == pytest.approx((2 ** bits[0], 2 ** bits[1]))
    low, high = (metric.value_text(values["validation"][end]) for end in ("low", "high"))
    table = compared.markdown()
    assert "| bits per character |" in table and f"] | 2.0000 | 8.000 [{low}, {high}] |" in table
    assert table.endswith("The best perplexity that any model can have in the long run is 3.500.\n")
    assert "bits" not in Comparison([cell], PERPLEXITY).markdown()


def test_json__knows_no_mean_of_what_failed() -> None:
    failed = contender("broken", True, (), failures=("no",))
    values: Any = Comparison([failed]).as_json()[0]
    assert values["test"] == values["validation"] == {"scores": ()}
    assert values["failures"] == ("no",) and "multiply_adds" not in values
