"""Children that were all trained beforehand: their results come from a table."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nas_gym.checks import number
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.memory.tables.table import Table
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation


class TableEvaluator(Evaluator):
    """Looks children up: by default the mean over a table's seeds, with a seed given one training of them.

    A table may know how long its trainings took. ``Evaluation.seconds`` is then that simulated time, and
    ``budget_seconds`` limits its sum: a child that would take longer than what is left is not trained, it
    is ``"timed_out"``, and so is every new child after it. Training the same network with the same seed
    again costs nothing. With a budget, results depend on the order of evaluation, and
    ``Evaluation.simulated_seconds`` says how much is spent.

    Args:
        table: The results; its test results are not kept.
        budget_seconds: Simulated time for all children of this evaluator together, ``None`` for no limit.

    Raises:
        InvalidArgumentError: If the budget is not a positive number, or the table knows no times.
    """

    def __init__(self, table: Table, budget_seconds: float | None = None) -> None:
        if budget_seconds is not None:
            allowed = "a positive number or None"
            budget_seconds = number("budget_seconds", budget_seconds, allowed, above=0)
            if table.seconds is None:
                raise InvalidArgumentError(
                    f"budget_seconds needs a table that knows its training times, that of "
                    f"{table.search_space.id} on {table.dataset} does not"
                )
        self.table = table.without_test()
        self.budget_seconds = budget_seconds
        self.simulated_seconds = 0.0
        """Simulated time spent so far; only counted with a budget."""
        self._paid: set[tuple[int, int | None]] = set()
        self._over = False

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Look children up, see ``Evaluator.evaluate``.

        A given seed stands for the training in column ``seed % table.seeds``. Without seeds,
        ``Evaluation.seed`` is ``None``. A table has one rung.
        """
        table, rank = self.table, self.table.search_space.rank
        rows = [rank(architecture) for architecture in architectures]
        given: Sequence[int | None] = [None] * len(rows) if seeds is None else seeds
        columns = None if seeds is None else [seed % table.seeds for seed in seeds]
        if columns is None:
            scores = table.mean_validation[rows].tolist()
        else:
            hits = table.validation[rows, columns]  # raises where there is not one seed a child
            scores = (hits.astype(np.float64) / (table.validation_samples or 1)).tolist()
        sizes = [None] * len(rows) if table.parameters is None else table.parameters[rows].tolist()
        times = [0.0] * len(rows) if table.seconds is None else table.seconds[rows].tolist()
        task, recipe, metric = table.dataset, table.recipe, table.metric.name
        evaluations = [
            Evaluation(architecture, task, recipe, seed, "ok", {metric: score}, size, time)
            for architecture, seed, score, size, time in zip(
                architectures, given, scores, sizes, times, strict=True
            )
        ]
        if table.failed is not None:
            of_rows = table.failed[rows]
            failed = np.asarray(
                of_rows.any(axis=1) if columns is None else of_rows[range(len(rows)), columns]
            )
            evaluations = [_failed(e) if f else e for e, f in zip(evaluations, failed.tolist(), strict=True)]
        if self.budget_seconds is not None:
            trainings_of = [None] * len(rows) if columns is None else columns
            children = zip(rows, trainings_of, strict=True)
            evaluations = [self._charge(*charge) for charge in zip(evaluations, children, strict=True)]
        return evaluations

    def _charge(self, evaluation: Evaluation, child: tuple[int, int | None]) -> Evaluation:
        """Pay for a child, or say that there is no time left for it."""
        assert self.budget_seconds is not None
        if child not in self._paid:
            spent = self.simulated_seconds + evaluation.seconds
            self._over = self._over or spent > self.budget_seconds
            if self._over:
                return replace(
                    evaluation,
                    status="timed_out",
                    scores={},
                    seconds=0.0,
                    simulated_seconds=self.simulated_seconds,
                    reason=f"the budget of {self.budget_seconds:g} simulated seconds is spent",
                )
            self.simulated_seconds = spent
            self._paid.add(child)
        return replace(evaluation, simulated_seconds=self.simulated_seconds)


def _failed(evaluation: Evaluation) -> Evaluation:
    return replace(
        evaluation,
        status="failed",
        scores={},
        reason="training failed when the table was made",
    )
