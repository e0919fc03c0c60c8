"""The commands that turn a file of a table into networks, and their answers into a file."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Column
from rich.table import Table as Lines

from nas_gym.checks import choice
from nas_gym.errors import InvalidArgumentError, InvalidDataError
from nas_gym.extras import needs

if TYPE_CHECKING:
    import pandas

    from nas_gym.estimators.table_fits.findings import ColumnFacts
    from nas_gym.estimators.table_fits.references import Comparison

SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
PARQUET = ".parquet"
GAPS = ("?",)
"""What stands for a missing value in files beside what pandas knows as one."""
SHOWN = 20
"""Of a file's columns so many are named."""
NUMBERS_AS_CLASSES = 10
"""A target of at most so many different whole numbers holds classes."""


@dataclass
class Fit:
    """Search networks for a table, and keep those that answer together."""

    table: Annotated[Path, tyro.conf.Positional]
    """The table: CSV, or Parquet where pyarrow is installed, with a line of names."""
    target: str
    """Name of the column that is to be predicted."""
    out: Path = Path("runs/table")
    """Folder of the model, and of what the search has trained; the same command goes on from that."""
    minutes: float | None = None
    """How long search and training may take; by default as long as the budget takes."""
    budget: int | None = None
    """Architectures that the search proposes; by default 200, or what there is time for."""
    predict: Literal["auto", "classes", "numbers"] = "auto"
    """What the target holds; auto: classes, unless it has many different numbers."""
    metric: str | None = None
    """What is reported; by default accuracy, or r2. An unknown one is answered with the list."""
    drop: tuple[str, ...] = ()
    """Columns to leave out, such as the number of a row or a date."""
    separator: str | None = None
    """Between the columns of a CSV; by default a comma."""
    references: bool = True
    """Fit strong models on the same folds, too, and say whether the search beat them; takes extra time."""
    seed: int = 0
    """From it follows all that is drawn; with a budget alone the same model comes out."""

    go_on: ClassVar[str | None] = "the same command goes on where it stopped"

    def run(self) -> int:
        """Show what is understood of the table, search, and say how good the answer is."""
        from nas_gym.datasets.tables.columns import read_cells
        from nas_gym.estimators.table_fits.base import PAGE
        from nas_gym.estimators.table_fits.estimators import NASClassifier, NASRegressor
        from nas_gym.estimators.table_fits.findings import facts_of

        console = Console(highlight=False)
        frame = read_table(self.table, self.separator)
        for column in (self.target, *self.drop):
            _check_column(frame, column, self.table)
        y = frame[self.target]
        unknown = int(y.isna().sum())
        frame = frame[y.notna()].drop(columns=[self.target, *self.drop])
        y = y[y.notna()]
        if not len(y):
            raise InvalidDataError(f"{self.table} has no row with a value of {self.target!r}")
        classes = _holds_classes(y) if self.predict == "auto" else self.predict == "classes"
        facts = facts_of(read_cells(frame))
        console.print(_understood(facts))
        for each in facts:
            if each.tells_rows_apart:
                console.print(f"{escape(each.name)} is another one in each row: --drop leaves it out")
        what = f"one of {y.nunique()} classes" if classes else "a number"
        dropped = f"; {unknown} rows without it are left out" if unknown else ""
        console.print(f"{len(y)} rows, to predict [bold]{escape(self.target)}[/], {what}{dropped}")
        kind = NASClassifier if classes else NASRegressor
        model = kind(
            budget=self.budget,
            minutes=self.minutes,
            metric=self.metric,
            references=self.references,
            random_state=self.seed,
            verbose=1,
            folder=self.out,
        ).fit(frame, y)
        for number, text in enumerate(model.architectures_, 1):
            console.print(f"{number}. {escape(text)}")
        console.print(
            f"{model.model_.metric} {model.validation_score_:.4f} on rows that the networks had not seen"
        )
        if model.comparisons_:
            console.print(_beside(model.model_.metric, model.comparisons_))
        if (self.out / PAGE).exists():  # pages may be left out
            model.write_page(self.out / PAGE, self._again())
            console.print(f"the fit on one page: {self.out / PAGE}", markup=False, soft_wrap=True)
        console.print(f"kept in {self.out}: nas-gym predict {self.out} new.csv", markup=False, soft_wrap=True)
        return 0

    def _again(self) -> str:
        """Return the command that makes the same model, from any folder."""
        table, out = self.table.absolute(), self.out.absolute()
        words = ["nas-gym", "fit", str(table), "--target", self.target, "--out", str(out)]
        for field in fields(self):
            value = getattr(self, field.name)
            flag = f"--{field.name}"
            if field.name in ("table", "target", "out") or value == field.default:
                continue
            if isinstance(value, bool):
                words.append(flag if value else f"--no-{field.name}")
            else:
                words += [flag, *(map(str, value) if isinstance(value, tuple) else [str(value)])]
        return shlex.join(words)


@dataclass
class Predict:
    """Let a model of a table answer the rows of another file."""

    model: Annotated[Path, tyro.conf.Positional]
    """Folder of the model, as nas-gym fit or an estimator has written it."""
    table: Annotated[Path, tyro.conf.Positional]
    """The rows: CSV, or Parquet where pyarrow is installed, with the columns of the first table."""
    out: Path | None = None
    """File for the answers, a CSV; by default they are printed."""
    probabilities: bool = False
    """Write the probability of each class, too."""
    separator: str | None = None
    """Between the columns of a CSV; by default a comma."""

    go_on: ClassVar[str | None] = None

    def run(self) -> int:
        """Write one line for each row."""
        from nas_gym.files import write_text_atomically
        from nas_gym.kept.table_model import TableModel

        model = TableModel.load(self.model)
        rows = read_table(self.table, self.separator)
        answers = _pandas().DataFrame({model.target or "prediction": model.predict(rows)})
        if self.probabilities:
            if model.classes is None:
                raise InvalidArgumentError("what answers with numbers has no probabilities")
            known = model.predict_proba(rows)
            for position, name in enumerate(model.classes):
                answers[f"probability of {name}"] = known[:, position]
        text = answers.to_csv(index=False)
        if self.out is None:
            print(text, end="")
        else:
            write_text_atomically(self.out, text)
            print(f"{len(answers)} rows: {self.out}")
        return 0


def read_table(file: Path, separator: str | None = None) -> "pandas.DataFrame":
    """Read a table from a file.

    Args:
        file: CSV, TSV or Parquet, told by its ending.
        separator: Between columns of text, by default as usual for the ending.

    Raises:
        InvalidDataError: If it is not there, or not such a table.
        MissingPackageError: If pandas is not installed.
    """
    pandas = _pandas()
    if not file.is_file():
        raise InvalidDataError(f"there is no file {file}")
    endings = (*SEPARATORS, PARQUET)
    ending = choice(f"the ending of {file}", file.suffix.lower(), endings)
    try:
        if ending == PARQUET:
            return pandas.read_parquet(file)
        sep = SEPARATORS[ending] if separator is None else separator
        frame = pandas.read_csv(file, sep=sep, na_values=list(GAPS), skipinitialspace=True)
    except ImportError:
        raise InvalidDataError(f"{file} needs a package to be read: pip install pyarrow") from None
    except (ValueError, OSError) as error:  # pandas' and pyarrow's errors are among these
        raise InvalidDataError(f"{file} cannot be read: {' '.join(str(error).split())}") from None
    if not len(frame):
        raise InvalidDataError(f"{file} has no rows below its names")
    if len(frame.columns) == 1:
        others = [each for each in (";", "\t", ",", "|") if each in str(frame.columns[0])]
        if others:
            raise InvalidDataError(
                f"{file} has one column alone, {str(frame.columns[0])[:60]!r}; it looks separated "
                f"by {others[0]!r}: --separator {others[0]!r}"
            )
    return frame


def _pandas() -> Any:  # noqa: ANN401, a module
    with needs("tables", "the file of a table"):
        import pandas
    return pandas


def _check_column(frame: "pandas.DataFrame", column: str, file: Path) -> None:
    if column not in frame.columns:
        known = [str(each) for each in frame.columns]
        shown = ", ".join(known[:SHOWN]) + (", ..." if len(known) > SHOWN else "")
        raise InvalidArgumentError(f"{file} has no column {column!r}; there are {shown}")


def _holds_classes(y: "pandas.Series[object]") -> bool:
    types = _pandas().api.types
    if not types.is_numeric_dtype(y) or types.is_bool_dtype(y):
        return True
    return y.nunique() <= NUMBERS_AS_CLASSES and bool((y == y.round()).all())


def _understood(columns: "Sequence[ColumnFacts]") -> Lines:
    """Return what each column is taken for."""
    lines = Lines("column", "holds", "gaps", "values", box=None, header_style="bold")
    for each in columns:
        lines.add_row(escape(each.name), each.kind, str(each.gaps), escape(each.values))
    return lines


def _beside(metric: str, comparisons: "Sequence[Comparison]") -> Lines:
    heads = ("beside", metric, "gap", "95 % interval", "the search is")
    lines = Lines(*(Column(head, no_wrap=True) for head in heads), box=None, header_style="bold")
    for each in comparisons:
        lines.add_row(
            each.name,
            f"{each.score:.4f}",
            f"{each.gap:+.4f}",
            f"{each.low:+.4f} to {each.high:+.4f}",
            each.verdict,
        )
    return lines
