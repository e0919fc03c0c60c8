"""What a metric says of answers for rows that were not learned from, and which class follows from them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nas_gym.estimators.table_fits.plan import Answers
from nas_gym.estimators.table_fits.splits import Rehearsal
from nas_gym.tasks.classification.metrics import SCORES as SCORES_OF_CLASSES
from nas_gym.tasks.regression.metrics import SCORES as SCORES_OF_NUMBERS

BALANCED = ("balanced_accuracy", "f1_macro")
"""Metrics by which the likeliest class is not the best answer where classes are of different sizes."""
TEMPERING = (0.0, 0.25, 0.5, 0.75, 1.0)


def score_of(
    rehearsal: Rehearsal,
    rows: NDArray[np.int64],
    answers: Answers,
    favour: Sequence[float],
    metric: str,
) -> float:
    """Return what the metric says of answers for some of the validation rows, given by their positions."""
    truth = rehearsal.answers[rehearsal.validation[rows]]
    if rehearsal.task == "regression":
        return SCORES_OF_NUMBERS[metric](answers, truth)  # type: ignore[arg-type] # in float64
    logits = np.log(np.maximum(answers * np.asarray(favour), np.finfo(np.float64).tiny))
    return SCORES_OF_CLASSES[metric](logits, truth)  # type: ignore[arg-type] # labels


def favour_of(rehearsal: Rehearsal, answers: Answers, metric: str) -> list[float]:
    """Return how much each class's probability counts: for balanced metrics more, the rarer the class is.

    How much more is what is best for the rows that the networks were not trained on.
    """
    if metric not in BALANCED:
        return [1.0] * rehearsal.classes
    counts = np.bincount(rehearsal.answers.astype(np.int64), minlength=rehearsal.classes)
    shares = counts / counts.sum()
    tried: list[list[float]] = [(shares**-power).tolist() for power in TEMPERING]
    every = np.arange(len(answers))
    return max(tried, key=lambda favour: score_of(rehearsal, every, answers, favour, metric))
