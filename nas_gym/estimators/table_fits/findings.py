"""What a fit to a table found, as one record, and what the columns of the table were taken for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.tables.columns import Cells
from nas_gym.envs.episode import Episode
from nas_gym.estimators.table_fits.plan import Answers
from nas_gym.estimators.table_fits.references import Comparison
from nas_gym.kept.table_model import TableModel
from nas_gym.tasks.metric import Metric

NAMES_SHOWN = 5
MANY = 20
"""In a table of fewer rows they may differ by chance."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What a column of a table is taken for.

    Attributes:
        name: What it is called.
        kind: ``"numbers"`` or ``"names"``.
        gaps: Rows without a value.
        values: Their range, or some of them.
        tells_rows_apart: Whether each row has a name, or a whole number, of its own: then it tells nothing
            of other rows.
    """

    name: str
    kind: str
    gaps: int
    values: str
    tells_rows_apart: bool = False


def facts_of(cells: Cells) -> list[ColumnFacts]:
    """Return what each column of a table is taken for."""
    numbers, names = iter(cells.numbers.T), iter(cells.names.T)
    facts = []
    for column in cells.columns:
        if column.is_number:
            values = next(numbers)
            known = values[~np.isnan(values)]
            about = f"{known.min():g} to {known.max():g}" if len(known) else "none at all"
            apart = _all_differ(values) and bool((values == np.rint(values)).all())
            facts.append(ColumnFacts(column.name, "numbers", len(values) - len(known), about, apart))
        else:
            texts = next(names)
            found = sorted(set(texts.tolist()) - {""})
            more = f" and {len(found) - NAMES_SHOWN} more" if len(found) > NAMES_SHOWN else ""
            about = ", ".join(each[:20] for each in found[:NAMES_SHOWN]) + more or "none at all"
            apart = _all_differ(texts)
            facts.append(ColumnFacts(column.name, "names", int((texts == "").sum()), about, apart))
    return facts


def _all_differ(values: NDArray[np.generic]) -> bool:
    return len(values) >= MANY and len(set(values.tolist())) == len(values)


@dataclass(frozen=True, kw_only=True, eq=False)
class TableFindings:
    """What a fit found, with the rows that it was judged on.

    Attributes:
        model: What answers.
        metric: What is reported.
        asked: The parameters of the fit.
        columns: What the columns were taken for.
        rows: How many there were.
        judged: The validation rows.
        truth: Their classes, by number, or numbers, ``(rows,)``.
        answers: What an ensemble says of them that was chosen without them: probabilities
            ``(rows, classes)``, or numbers ``(rows, 1)``.
        leaderboard: All networks that were trained on each fold, the best first.
        comparisons: What may be said of the search beside each reference.
        episodes: What the search played.
    """

    model: TableModel
    metric: Metric
    asked: Mapping[str, object]
    columns: Sequence[ColumnFacts]
    rows: int
    judged: Cells
    truth: NDArray[np.int64] | NDArray[np.float64]
    answers: Answers
    leaderboard: Sequence[Mapping[str, object]]
    comparisons: Sequence[Comparison]
    episodes: Sequence[Episode]
