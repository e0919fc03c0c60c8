"""Questions whose answers are all known: search spaces with a table of results."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nas_gym.evaluators.lookup import TableEvaluator
from nas_gym.problems.problem import Problem

if TYPE_CHECKING:
    from nas_gym.memory.tables.table import Table


def bench_moons(*, table: "str | Path | Table | None" = None, budget_seconds: float | None = None) -> Problem:
    """The table of all 597,870 networks on NAS-Moons-v0, three trainings each."""
    from nas_gym.memory.tables.nas_bench_moons import moons_table

    return _looked_up(moons_table(table), budget_seconds)


def bench_201(
    *,
    dataset: Literal["cifar10", "cifar100", "ImageNet16-120"] = "cifar10",
    table: "str | Path | Table | None" = None,
    epochs: Literal[200, 12] = 200,
    budget_seconds: float | None = None,
) -> Problem:
    """NAS-Bench-201: six edges of a cell, five operations, 15,625 cells with known results."""
    from nas_gym.memory.tables.nas_bench_201 import nas_bench_201_table

    return _looked_up(nas_bench_201_table(dataset, table, epochs), budget_seconds)


def _looked_up(table: "Table", budget_seconds: float | None) -> Problem:
    lookup = TableEvaluator(table.without_test(), budget_seconds)
    return Problem(table.search_space, table.metric, table=table, lookup=lookup)
