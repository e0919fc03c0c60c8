"""What both estimators of tables do: read the table, lead the course of the fit, keep what it comes to."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from nas_gym.checks import choice, integer
from nas_gym.datasets.tables.columns import Cells, read_cells
from nas_gym.datasets.tables.encoding import NUMERIC, Numeric
from nas_gym.errors import InvalidArgumentError, InvalidDataError, MissingPackageError
from nas_gym.estimators.arguments import given, seed_of
from nas_gym.estimators.clock import clock_of
from nas_gym.estimators.table_fits.course import Course
from nas_gym.estimators.table_fits.findings import TableFindings, facts_of
from nas_gym.estimators.table_fits.judging import favour_of, score_of
from nas_gym.estimators.table_fits.plan import Answers, Plan, settings_of
from nas_gym.estimators.table_fits.references import NO_SEARCH, Comparison, answers_of_references, compare
from nas_gym.estimators.table_fits.rows import (
    canonical_order,
    check_dimensions,
    folds_of,
    groups_of,
    weighted,
)
from nas_gym.estimators.table_fits.splits import Fold, Rehearsal, TaskName
from nas_gym.kept.folder import TABLE, WINNER, check_place
from nas_gym.kept.table_model import TableModel
from nas_gym.problems.parts import choose
from nas_gym.search_spaces.mlp.grammar import MlpSpace
from nas_gym.tasks.classification.metrics import METRICS as OF_CLASSES
from nas_gym.tasks.metric import Metric
from nas_gym.tasks.regression.metrics import METRICS as OF_NUMBERS

if TYPE_CHECKING:
    import pandas
    from sklearn.utils import Tags

Validation = float | int | tuple[ArrayLike, ArrayLike] | None
WIDTHS = (16, 32, 64, 128, 256)
ACTIVATIONS = ("ReLU", "LeakyReLU", "Tanh", "Sigmoid")
FOLDS = 5
BUDGET = 200
PAGE = "report.html"
UNLIMITED = 1_000_000
"""Architectures of a search that ends by the clock."""


class TableEstimator(BaseEstimator):  # type: ignore[misc] # untyped
    """What the two estimators have in common; see them."""

    _task: ClassVar[TaskName]

    def __init__(
        self,
        *,
        budget: int | None = None,
        minutes: float | None = None,
        agent: str = "reinforce",
        space: MlpSpace | Mapping[str, object] | None = None,
        metric: str | None = None,
        ensemble: int = 5,
        class_weight: str | Mapping[object, float] | None = None,
        validation: Validation = None,
        encoding: Numeric | None = None,
        references: bool = False,
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
        n_jobs: int | None = -1,
        folder: str | Path | None = None,
    ) -> None:
        self.budget = budget
        self.minutes = minutes
        self.agent = agent
        self.space = space
        self.metric = metric
        self.ensemble = ensemble
        self.class_weight = class_weight
        self.validation = validation
        self.encoding = encoding
        self.references = references
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.folder = folder

    def __sklearn_tags__(self) -> "Tags":
        """Say what kinds of table are understood."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        tags.non_deterministic = False
        return tags

    def _references(self, course: Course, plan: Plan) -> Iterator[tuple[str, Answers]]:
        """Yield what else answers for the validation rows, from the same training rows."""
        if plan.budget:
            self._say("training the widest network without a search")
            yield NO_SEARCH, course.without_search().answers
        self._say("fitting the references on the same folds")
        yield from answers_of_references(course.rehearsal, plan.seed)

    def write_page(self, file: str | Path, again: str | None = None) -> None:
        """Write what was found on one page of HTML that needs no network; straight after ``fit`` alone.

        Args:
            file: Where.
            again: What makes the model again, by default this estimator's own text.

        Raises:
            NotFittedError: If it is not fitted, or was pickled since: the rows that were judged on are left
                behind then.
            OSError: If the file cannot be written.
        """
        from nas_gym.estimators.table_fits.report import write_page

        check_is_fitted(self, "findings_")
        path = Path(file).expanduser()
        folder = path.absolute().parent.as_posix()
        use = f'import nas_gym\nmodel = nas_gym.load("{folder}")\nmodel.predict(rows)'
        write_page(self.findings_, path, again or f"{self!r}.fit(X, y)", use)

    def __getstate__(self) -> dict[str, object]:
        """Leave the rows behind that were judged on."""
        return {name: value for name, value in super().__getstate__().items() if name != "findings_"}

    def _start(self) -> None:
        """Start the clock: also what is read before a search takes time."""
        self._clock = clock_of(self.minutes)
        if self.folder is not None:
            check_place(Path(self.folder).expanduser() / WINNER, TABLE)

    def _read(self, X: object, y: ArrayLike) -> tuple[Cells, NDArray[np.generic]]:
        """Return the table and its answers, one for each row."""
        answers = given(y)
        check_dimensions(X)
        validate_data(self, X, skip_check_array=True)
        cells = read_cells(X)
        if len(cells) != len(answers):
            raise InvalidDataError(
                f"inconsistent numbers of samples: X has {len(cells)} rows, y has {len(answers)} answers"
            )
        if len(cells) < 2:
            raise InvalidDataError(
                f"Found array with n_samples={len(cells)} while a minimum of 2 is required"
            )
        return cells, answers

    def _fit(
        self,
        cells: Cells,
        y: NDArray[np.int64] | NDArray[np.float64],
        classes: tuple[object, ...] | None,
        weights: object,
        target: str,
    ) -> None:
        """Search, and keep what came of it.

        Rows are brought into an order that follows from what they hold: so the order in which they come makes
        no difference, and a row of weight two is the same as two rows.
        """
        plan, metric = self._plan(), self._metric()
        columns = facts_of(cells)
        self._say(f"{len(cells)} rows, {len(columns)} columns")
        for name in cells.empty_columns:
            warnings.warn(f"column {name!r} holds no value at all: nothing is learned from it", stacklevel=3)
        cells, y, kept = weighted(cells, y, weights)
        order = canonical_order(cells, y)
        kept = None if kept is None else kept[order]
        rehearsal = self._rehearsal(cells.of(order), y[order], len(classes or ()), kept, plan.seed)
        course = Course(rehearsal, plan, self._clock, self._say)
        found = course.run()
        rehearsal = course.rehearsal
        favour = favour_of(rehearsal, found.answers, metric.name)
        every = np.arange(len(found.answers))

        def score(rows: NDArray[np.int64], answers: Answers) -> float:
            return score_of(rehearsal, rows, answers, favour, metric.name)

        self.model_ = TableModel(
            cells.columns,
            found.members,
            classes,
            tuple(favour),
            target,
            metric.name,
            {metric.name: score(every, found.answers), "loss": found.loss},
        )
        self.validation_score_ = self.model_.scores[metric.name]
        self.architectures_ = self.model_.architectures
        leaderboard = [
            {
                "architecture": str(each.architecture),
                "encoding": each.setting.numeric,
                "learning_rate": each.setting.learning_rate,
                "loss": each.loss,
                metric.name: score(every, each.answers),
                "share": share,
            }
            for each, share in zip(found.candidates, found.shares, strict=True)
        ]
        self.leaderboard_ = _frame(leaderboard)
        self.study_ = list(found.episodes)
        self.comparisons_: list[Comparison] = []
        if self.references:
            for name, answers in self._references(course, plan):
                known = compare(name, found.answers, answers, score, metric.sign, plan.seed)
                self.comparisons_.append(known)
                self._say(f"{metric.name} {known.score:.4f}, {name}; the search is {known.verdict}")
        judged = rehearsal.validation
        self.findings_ = TableFindings(
            model=self.model_,
            metric=metric,
            asked={name: value for name, value in self.get_params(deep=False).items() if value is not None},
            columns=columns,
            rows=len(order),
            judged=rehearsal.cells.of(judged),
            truth=rehearsal.answers[judged],
            answers=found.answers,
            leaderboard=leaderboard,
            comparisons=self.comparisons_,
            episodes=self.study_,
        )
        if self.folder is not None:
            folder = Path(self.folder).expanduser()
            self.model_.save(folder / WINNER)
            try:
                self.write_page(folder / PAGE)
            except MissingPackageError as error:
                warnings.warn(str(error), stacklevel=3)

    def _metric(self) -> Metric:
        known = OF_CLASSES if self._task == "classification" else OF_NUMBERS
        name = next(iter(known)) if self.metric is None else choice("metric", self.metric, known)
        return known[name]

    def _plan(self) -> Plan:
        from joblib import effective_n_jobs

        usual = UNLIMITED if self._clock.is_limited else BUDGET
        budget = usual if self.budget is None else integer("budget", self.budget, 0)
        if not (self.class_weight in (None, "balanced") or isinstance(self.class_weight, Mapping)):
            raise InvalidArgumentError(
                f"class_weight must be None, balanced or a mapping of classes, got {self.class_weight!r}"
            )
        encoding = None if self.encoding is None else choice("encoding", self.encoding, NUMERIC)
        space = choose("space", self.space, {"mlp": _space}, "mlp", MlpSpace)
        return Plan(
            space=space,
            agent=self.agent,
            settings=settings_of(encoding, NUMERIC),
            budget=budget,
            ensemble=integer("ensemble", self.ensemble, 1),
            seed=seed_of(self.random_state),
            threads=effective_n_jobs(self.n_jobs),
            folder=None if self.folder is None else self._made(Path(self.folder).expanduser()),
        )

    def _made(self, folder: Path) -> Path:
        """Return the folder, which is made if need be."""
        if folder.exists() and not folder.is_dir():
            raise InvalidArgumentError(f"folder {folder} is a file")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _rehearsal(
        self,
        cells: Cells,
        y: NDArray[np.int64] | NDArray[np.float64],
        classes: int,
        weights: NDArray[np.float32] | None,
        seed: int,
    ) -> Rehearsal:
        """Return the table with the folds that ``validation`` means."""
        asked = FOLDS if self.validation is None else self.validation
        if isinstance(asked, tuple):
            if len(asked) != 2:
                raise InvalidArgumentError("validation must be a share, a number of folds or (X_val, y_val)")
            more = read_cells(asked[0], cells.columns)
            answers = self._answers(asked[1])
            joined = Cells(
                cells.columns,
                np.concatenate([cells.numbers, more.numbers]),
                np.concatenate([cells.names, more.names]),
            )
            order = np.random.default_rng(seed).permutation(len(cells))
            fold = Fold(order, np.arange(len(cells), len(joined)))
            both = np.concatenate([y, answers])
            if weights is not None:
                weights = np.concatenate([weights, np.ones(len(more), np.float32)])
            return Rehearsal(self._task, joined, both, weights, classes, (fold,))
        folds = folds_of(y, classes, asked, seed, groups_of(cells))
        return Rehearsal(self._task, cells, y, weights, classes, folds)

    def _answers(self, y: ArrayLike) -> NDArray[np.int64] | NDArray[np.float64]:
        raise NotImplementedError

    def _say(self, line: str) -> None:
        if self.verbose:
            print(f"[{type(self).__name__}] {line}", flush=True)


def _space(
    widths: Sequence[int] = WIDTHS, activations: Sequence[str] = ACTIVATIONS, max_length: int = 6
) -> MlpSpace:
    return MlpSpace(widths, activations, max_length)


def _frame(records: list[dict[str, object]]) -> "pandas.DataFrame | list[dict[str, object]]":
    try:
        import pandas
    except ImportError:
        return records
    return pandas.DataFrame(records)
