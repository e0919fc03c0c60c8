"""Does a found network beat a hand-designed one? What came of training both, in numbers and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from statistics import mean, stdev
from typing import Any

from nas_gym.studies.significance import gap, interval
from nas_gym.tasks.metric import ACCURACY, Metric


@dataclass(frozen=True, slots=True)
class Contender:
    """What came of training one model with several seeds.

    Attributes:
        name: A found architecture's text, or a reference's name.
        found: Whether a search found it.
        validation_results: One for each seed that did not fail.
        test_results: Those of the same weights.
        parameters: Number of trained values, ``None`` if unknown.
        multiply_adds: Multiplications with a weight for one sample, ``None`` if unknown.
        seconds: Mean time of one training, ``None`` if unknown.
        losses: Mean training loss of each epoch of the first training; empty if unknown.
        failures: Why trainings failed, one reason for each that did.
        certain: Whether it has no random start, and so one result for all seeds.
    """

    name: str
    found: bool
    validation_results: tuple[float, ...]
    test_results: tuple[float, ...]
    parameters: int | None = None
    multiply_adds: int | None = None
    seconds: float | None = None
    losses: tuple[float, ...] = ()
    failures: tuple[str, ...] = ()
    certain: bool = False

    @property
    def seeds_text(self) -> str:
        """With how many seeds it was trained, and what failed."""
        if not self.failures:
            return str(len(self.test_results))
        seeds = len(self.test_results) + len(self.failures)
        return f"{len(self.failures)} of {seeds} failed: {self.failures[0]}"

    def as_summary(self) -> dict[str, Any]:
        """Return number of seeds, means, and standard deviation over seeds (0 for one) of accuracies."""
        return {
            "seeds": len(self.test_results),
            "validation_accuracy_mean": mean(self.validation_results),
            "test_accuracy_mean": mean(self.test_results),
            "test_accuracy_std": stdev(self.test_results) if len(self.test_results) > 1 else 0.0,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Found networks and references side by side.

    Attributes:
        contenders: What is compared.
        metric: What they are judged by; means are taken on its scale.
        by_character: Whether that is a perplexity by character, so that bits per character have a meaning.
        best_possible: The best value that any model can have in the long run, ``None`` if unknown.
    """

    contenders: Sequence[Contender]
    metric: Metric = ACCURACY
    by_character: bool = False
    best_possible: float | None = None

    @property
    def winner(self) -> Contender | None:
        """The found network that is best on validation data; test data have no say.

        Whoever failed with fewer seeds goes first. ``None`` if all failed with all seeds.
        """
        return next((each for each in self._ranked() if each.found and each.validation_results), None)

    def verdict(self) -> str:
        """Say in one sentence whether the found network and the best reference differ by more than noise."""
        found, metric = self.winner, self.metric
        if found is None:
            reasons = [reason for each in self.contenders if each.found for reason in each.failures]
            return f"Every training of what was found failed, there is nothing to compare: {reasons[0]}."
        reference = next(
            (each for each in self._ranked() if not each.found and each.validation_results), None
        )
        if reference is None:
            return (
                f"The best found network, {found.name}, stands alone: "
                "there is no reference to compare it with."
            )
        tests = self._scaled(found.test_results), self._scaled(reference.test_results)
        what = (
            f"The found network {found.name} and {reference.name} differ by "
            f"{metric.gap_words(mean(tests[0]) - mean(tests[1]))}"
        )
        bounds = gap(*tests, second_is_certain=reference.certain)
        if bounds is None:
            return f"{what}; how much of that is noise cannot be told without two seeds that differ."
        _, low, high = bounds
        text = f"{what}, 95 % interval {metric.gap_text(low)} to {metric.gap_text(high)}"
        if low <= 0 <= high:
            return f"{text}: the gap does not exceed the noise between seeds."
        better = found if (low > 0) == metric.larger_is_better else reference
        return f"{text}: the gap exceeds the noise between seeds, {better.name} is better."

    def markdown(self) -> str:
        """Return a table with a row for each contender, best mean on validation data first."""
        name = self.metric.name
        bits = ["bits per character"] if self.by_character else []
        heads = ["network", f"test {name} [95 % interval]", *bits, f"validation {name} [95 % interval]"]
        heads += ["seeds", "parameters", "multiply-adds", "seconds"]
        rows = []
        for each in self._ranked():
            mean_test = self._mean(each.test_results)
            rows.append(
                [
                    f"`{each.name}`" if each.found else each.name,
                    self._text(each.test_results),
                    *(["" if mean_test is None else f"{log2(mean_test):.4f}"] if bits else []),
                    self._text(each.validation_results),
                    each.seeds_text.replace("|", "/"),
                    *("" if n is None else f"{n:,}" for n in (each.parameters, each.multiply_adds)),
                    "" if each.seconds is None else f"{each.seconds:.1f}",
                ]
            )
        lines = [
            f"| {' | '.join(heads)} |",
            f"|{'---|' * len(heads)}",
            *(f"| {' | '.join(row)} |" for row in rows),
        ]
        table = "\n".join(lines) + "\n"
        if self.best_possible is not None:
            best = self.metric.value_text(self.best_possible)
            table += f"\nThe best {name} that any model can have in the long run is {best}.\n"
        return table

    def as_json(self) -> list[dict[str, Any]]:
        """Return what is known of each contender, with means and their intervals."""
        return [self._values(each) for each in self.contenders]

    def _values(self, each: Contender) -> dict[str, Any]:
        name, plural = self.metric.name, self.metric.plural
        validation, test = self._mean(each.validation_results), self._mean(each.test_results)
        validation_bounds, test_bounds = (
            self._interval(results) or (None, None)
            for results in (each.validation_results, each.test_results)
        )
        bits = {"test_bits_per_character_mean": None if test is None else log2(test)}
        return {
            "name": each.name,
            "found": each.found,
            f"validation_{plural}": each.validation_results,
            f"test_{plural}": each.test_results,
            "parameters": each.parameters,
            "multiply_adds": each.multiply_adds,
            "seconds": each.seconds,
            "losses": each.losses,
            "failures": each.failures,
            f"validation_{name}_mean": validation,
            f"validation_{name}_low": validation_bounds[0],
            f"validation_{name}_high": validation_bounds[1],
            f"test_{name}_mean": test,
            f"test_{name}_low": test_bounds[0],
            f"test_{name}_high": test_bounds[1],
            **(bits if self.by_character else {}),
        }

    def _ranked(self) -> list[Contender]:
        """Return the contenders: those with results first, then with fewest failures, then the best."""

        def rank(each: Contender) -> tuple[bool, int, float]:
            if not each.validation_results:
                return True, 0, 0.0
            score = mean(self._scaled(each.validation_results))
            return False, len(each.failures), -score if self.metric.larger_is_better else score

        return sorted(self.contenders, key=rank)

    def _scaled(self, values: Sequence[float]) -> list[float]:
        return [self.metric.to_scale(value) for value in values]

    def _mean(self, values: Sequence[float]) -> float | None:
        return self.metric.from_scale(mean(self._scaled(values))) if values else None

    def _interval(self, values: Sequence[float]) -> tuple[float, float] | None:
        bounds = interval(self._scaled(values))
        return (
            None if bounds is None else (self.metric.from_scale(bounds[0]), self.metric.from_scale(bounds[1]))
        )

    def _text(self, values: Sequence[float]) -> str:
        """Return mean and interval for readers, nothing if there are no values."""
        middle, bounds, text = self._mean(values), self._interval(values), self.metric.value_text
        if middle is None:
            return ""
        return text(middle) if bounds is None else f"{text(middle)} [{text(bounds[0])}, {text(bounds[1])}]"
