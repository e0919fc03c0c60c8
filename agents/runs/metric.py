"""What the networks of a run are compared by: accuracy, or perplexity where they model language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """One of the columns of a run's evaluations.

    Attributes:
        name: Of the column.
        best: What the summary calls the best value.
        sign: 1 where more is better, -1 where less is.
    """

    name: str
    best: str
    sign: int

    def rank(self, row: Row) -> float:
        """Return the value of a row that has one, so that less is better."""
        value: float = row[self.name]
        return -self.sign * value


ACCURACY = Metric("validation_accuracy", "highest_validation_accuracy", 1)
PERPLEXITY = Metric("validation_perplexity", "lowest_validation_perplexity", -1)


def metric_of(rows: Sequence[Row]) -> Metric:
    """Return the metric of a run: the perplexity if some child has one."""
    has_perplexity = any(row.get(PERPLEXITY.name) is not None for row in rows)
    return PERPLEXITY if has_perplexity else ACCURACY
