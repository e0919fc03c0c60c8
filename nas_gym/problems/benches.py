"""Questions whose answers are all known: search spaces with a table of results."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nas_gym.evaluators.remembered.lookup import TableEvaluator
from nas_gym.evaluators.remembered.simulated import SimulatedEvaluator, SimulatedWorkers
from nas_gym.problems.parts import choose
from nas_gym.problems.problem import Problem

if TYPE_CHECKING:
    from nas_gym.memory.tables.table import Table


Workers: TypeAlias = int | Mapping[str, Any] | SimulatedWorkers | None
"""How many simulated workers, or the keywords of ``SimulatedWorkers``; ``None`` for none."""


def bench_moons(
    *,
    table: "str | Path | Table | None" = None,
    budget_seconds: float | None = None,
    workers: Workers = None,
) -> Problem:
    """The table of all 597,870 networks on NAS-Moons-v0, three trainings each."""
    from nas_gym.memory.tables.nas_bench_moons import moons_table

    return _looked_up(moons_table(table), budget_seconds, workers)


def bench_201(
    *,
    dataset: Literal["cifar10", "cifar100", "ImageNet16-120"] = "cifar10",
    table: "str | Path | Table | None" = None,
    epochs: Literal[200, 12] = 200,
    budget_seconds: float | None = None,
    workers: Workers = None,
) -> Problem:
    """NAS-Bench-201: six edges of a cell, five operations, 15,625 cells with known results."""
    from nas_gym.memory.tables.nas_bench_201 import nas_bench_201_table

    return _looked_up(nas_bench_201_table(dataset, table, epochs), budget_seconds, workers)


def _looked_up(table: "Table", budget_seconds: float | None, workers: Workers) -> Problem:
    lookup = TableEvaluator(table.without_test(), budget_seconds)
    simulated = None if workers is None else _simulated(workers)
    if simulated is not None:
        SimulatedEvaluator(lookup, simulated)  # refuses what does not fit
    return Problem(table.search_space, table.metric, table=table, lookup=lookup, workers=simulated)


def _simulated(workers: int | Mapping[str, Any] | SimulatedWorkers) -> SimulatedWorkers:
    if isinstance(workers, SimulatedWorkers):
        return workers
    given = workers if isinstance(workers, Mapping) else {"workers": workers}
    return choose("workers", given, {"simulated": SimulatedWorkers}, "simulated")
