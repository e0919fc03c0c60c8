"""Which networks answer together: those whose mean answer for rows they have not seen is best."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nas_gym.kept.table_model import mixture

Answers = NDArray[np.float64]
Rows = NDArray[np.int64]
ROUNDS = 30
"""Of greedy selection; a network may be taken again, and so its share is a multiple of one in so many."""


def select(answers: Sequence[Answers], loss: Callable[[Answers], float], most: int) -> list[float]:
    """Return the share of each network in an ensemble, 0 for those that are left out.

    Networks are taken one after another, with replacement, each time the one that makes the mean of all that
    were taken best; the best such mean of all rounds is the answer (Caruana et al. 2004, "Ensemble selection
    from libraries of models").

    Args:
        answers: Of each network for the same rows, all of the same shape: probabilities, or numbers.
        loss: What is to be small, of answers.
        most: How many different networks may be taken.
    """
    taken: list[int] = []
    total = np.zeros_like(answers[0])
    best: tuple[float, list[int]] = (np.inf, [])
    for count in range(1, (ROUNDS if most > 1 else 1) + 1):
        full = len(set(taken)) == most
        allowed = sorted(set(taken)) if full else range(len(answers))
        losses = {index: loss((total + answers[index]) / count) for index in allowed}
        index = min(losses, key=lambda each: losses[each])
        taken.append(index)
        total = total + answers[index]
        if losses[index] < best[0]:
            best = losses[index], list(taken)
    return [best[1].count(index) / len(best[1]) for index in range(len(answers))]


def cross_fitted(
    answers: Sequence[Answers], loss: Callable[[Rows, Answers], float], most: int, parts: Sequence[Rows]
) -> Answers:
    """Return what ensembles say of rows that had no say in who belongs to them.

    For each part of the rows an ensemble is selected by all others; so the answers tell how good an ensemble
    is that is selected in this way, which those of one selected by the same rows do not.

    Args:
        answers: Of each network for the same rows.
        loss: What is to be small, of some rows, given by their positions, and answers for these.
        most: How many different networks may be taken.
        parts: Positions that together are all rows, each once; of a single part nothing is left to select by.
    """
    said = np.empty_like(answers[0])
    for part in parts:
        others = np.setdiff1d(np.arange(len(said)), part) if len(parts) > 1 else part
        seen = [each[others] for each in answers]
        shares = select(seen, lambda given, others=others: loss(others, given), most)  # type: ignore[misc]
        said[part] = mixture([each[part] for each in answers], shares)
    return said
