"""Does a found network beat a hand-designed one? What came of training both, in numbers and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from statistics import mean

from nas_gym.files import Json
from nas_gym.studies.run_folder import known_values
from nas_gym.studies.significance import gap, interval
from nas_gym.tasks.metric import ACCURACY, Metric


@dataclass(frozen=True, slots=True)
class Contender:
    """What came of training one model with several seeds.

    Attributes:
        name: A found architecture's text, or a reference's name.
        found: Whether a search found it.
        validation_scores: On validation data, one for each seed that did not fail.
        test_scores: Those of the same weights on test data.
        parameters: Number of trained values, ``None`` if unknown.
        multiply_adds: Multiplications with a weight for one sample, ``None`` if unknown.
        seconds: Mean time of one training, ``None`` if unknown.
        losses: Mean training loss of each epoch of the first training; empty if unknown.
        failures: Why trainings failed, one reason for each that did.
        certain: Whether it has no random start, and so one result for all seeds.
    """

    name: str
    found: bool
    validation_scores: tuple[float, ...]
    test_scores: tuple[float, ...]
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
            return str(len(self.test_scores))
        seeds = len(self.test_scores) + len(self.failures)
        return f"{len(self.failures)} of {seeds} failed: {self.failures[0]}"


@dataclass(frozen=True, slots=True)
class Average:
    """Scores of several trainings, and how sure their mean is.

    Attributes:
        scores: One for each seed that did not fail.
        mean: Taken on the metric's scale, ``None`` if there are no scores.
        low: End of its 95 % interval, ``None`` if there are not two scores.
        high: The other end.
    """

    scores: Sequence[float]
    mean: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Found networks and references side by side.

    Attributes:
        contenders: What is compared.
        metric: What they are judged by; means are taken on its scale.
    """

    contenders: Sequence[Contender]
    metric: Metric = ACCURACY

    @property
    def winner(self) -> Contender | None:
        """The found network that is best on validation data; test data have no say.

        Whoever failed with fewer seeds goes first. ``None`` if all failed with all seeds.
        """
        return self._best(found=True)

    def verdict(self) -> str:
        """Say in one sentence whether the found network and the best reference differ by more than noise."""
        found, reference, metric = self.winner, self._best(found=False), self.metric
        if found is None:
            reasons = [reason for each in self.contenders if each.found for reason in each.failures]
            return f"Every training of what was found failed, there is nothing to compare: {reasons[0]}."
        if reference is None:
            return (
                f"The best found network, {found.name}, stands alone: "
                "there is no reference to compare it with."
            )
        tests = self._scaled(found.test_scores), self._scaled(reference.test_scores)
        what = (
            f"The found network {found.name} and {reference.name} differ by "
            f"{metric.gap_words(mean(tests[0]) - mean(tests[1]))}"
        )
        bounds = gap(*tests, second_is_certain=reference.certain)
        if bounds is None:
            return f"{what}; how much of that is noise cannot be told without two seeds that differ."
        low, high = bounds
        text = f"{what}, 95 % interval {metric.gap_text(low)} to {metric.gap_text(high)}"
        if low <= 0 <= high:
            return f"{text}: the gap does not exceed the noise between seeds."
        better = found if (low > 0) == metric.larger_is_better else reference
        return f"{text}: the gap exceeds the noise between seeds, {better.name} is better."

    def cells(self) -> list[list[str]]:
        """Return a table: its head, then a row for each contender, best mean on validation data first."""
        words = self.metric.words
        bits = ["bits per character"] if self.metric.by == "character" else []
        heads = ["network", f"test {words} [95 % interval]", *bits, f"validation {words} [95 % interval]"]
        rows = [[*heads, "seeds", "parameters", "multiply-adds", "seconds"]]
        for each in self.ranked():
            known = self._bits(each)
            rows.append(
                [
                    each.name,
                    self._text(self.average(each.test_scores)),
                    *(["" if known is None else f"{known:.4f}"] if bits else []),
                    self._text(self.average(each.validation_scores)),
                    each.seeds_text,
                    *("" if n is None else f"{n:,}" for n in (each.parameters, each.multiply_adds)),
                    "" if each.seconds is None else f"{each.seconds:.1f}",
                ]
            )
        return rows

    def best_possible_text(self) -> str:
        """Return a sentence about the best value that there can be, nothing where it is not known."""
        metric = self.metric
        if metric.best_possible is None:
            return ""
        best = metric.value_text(metric.best_possible)
        return f"The best {metric.words} that any model can have in the long run is {best}."

    def markdown(self) -> str:
        """Return ``cells`` in Markdown."""
        head, *rows = self.cells()
        names = [f"`{each.name}`" if each.found else each.name for each in self.ranked()]
        rows = [
            [name, *(cell.replace("|", "/") for cell in row[1:])]
            for name, row in zip(names, rows, strict=True)
        ]
        lines = [head, ["---"] * len(head), *rows]
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        best = self.best_possible_text()
        return f"{table}\n{best}\n" if best else table

    def as_json(self) -> list[Json]:
        """Return what is known of each contender, with means and their intervals."""
        return [
            {
                **{name: value for name, value in known_values(each).items() if not name.endswith("_scores")},
                "validation": known_values(self.average(each.validation_scores)),
                "test": known_values(self.average(each.test_scores)),
                **({} if (bits := self._bits(each)) is None else {"test_bits_per_character": bits}),
            }
            for each in self.contenders
        ]

    def _best(self, found: bool) -> Contender | None:
        return next((each for each in self.ranked() if each.found is found and each.validation_scores), None)

    def ranked(self) -> list[Contender]:
        """Return the contenders: those with results first, then with fewest failures, then the best."""

        def rank(each: Contender) -> tuple[bool, int, float]:
            if not each.validation_scores:
                return True, 0, 0.0
            return False, len(each.failures), -self.metric.sign * mean(self._scaled(each.validation_scores))

        return sorted(self.contenders, key=rank)

    def _scaled(self, values: Sequence[float]) -> list[float]:
        return [self.metric.to_scale(value) for value in values]

    def average(self, scores: Sequence[float]) -> Average:
        """Return the mean of scores and its interval, both taken on the metric's scale."""
        if not scores:
            return Average(scores)
        scaled, back = self._scaled(scores), self.metric.from_scale
        return Average(scores, back(mean(scaled)), *map(back, interval(scaled) or ()))

    def _bits(self, each: Contender) -> float | None:
        """Return the bits per character of the mean on test data, where that has a meaning."""
        middle = self.average(each.test_scores).mean
        return None if middle is None or self.metric.by != "character" else log2(middle)

    def _text(self, average: Average) -> str:
        """Return mean and interval for readers, nothing if there are no values."""
        text = self.metric.value_text
        if average.mean is None:
            return ""
        if average.low is None or average.high is None:
            return text(average.mean)
        return f"{text(average.mean)} [{text(average.low)}, {text(average.high)}]"
