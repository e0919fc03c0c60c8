"""What networks are compared by: accuracy, or perplexity where they model language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """One of the numbers that say what a network is worth.

    Attributes:
        name: Of the column in a run's evaluations.
        answer: Of the value that a comparison keeps of a search's answer.
        sign: 1 where more is better, -1 where less is.
        decimals: With which its values are written.
        nothing: What a search that has found nothing yet counts as.
        references: Values to hold against those of the networks, by what they are called.
    """

    name: str
    answer: str
    sign: int
    decimals: int = 4
    nothing: float = 0.0
    references: Mapping[str, float] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Return its name in words."""
        return self.name.replace("_", " ")

    @property
    def extreme(self) -> str:
        """Return what the best of several values is called."""
        return "highest" if self.sign > 0 else "lowest"

    @property
    def best(self) -> str:
        """Return what the summary of a run calls the best value."""
        return f"{self.extreme}_{self.name}"

    @property
    def form(self) -> str:
        """Return the format of its values, which Python and Plotly understand."""
        return f".{self.decimals}f"

    def rank(self, row: Row) -> float:
        """Return the value of a row that has one, so that less is better."""
        value: float = row[self.name]
        return -self.sign * value


ACCURACY = Metric("validation_accuracy", "best_validation_accuracy", 1)
TEST_ACCURACY = Metric("test_accuracy", "test_accuracy", 1)
PERPLEXITY = Metric("validation_perplexity", "best_validation_perplexity", -1, decimals=3)


def perplexity_of(vocabulary: int, best_possible: float | None = None) -> Metric:
    """Return the perplexity of networks on one text.

    Args:
        vocabulary: Number of different tokens: the perplexity of a search that has found nothing, as of
            whoever takes all tokens for equally likely.
        best_possible: Perplexity of the grammar that wrote the text, if there is one.
    """
    references = {} if best_possible is None else {"the grammar's own": best_possible}
    return replace(PERPLEXITY, nothing=float(vocabulary), references=references)


def metric_of(rows: Sequence[Row]) -> Metric:
    """Return the metric of a run: the perplexity if some child has one."""
    has_perplexity = any(row.get(PERPLEXITY.name) is not None for row in rows)
    return PERPLEXITY if has_perplexity else ACCURACY
