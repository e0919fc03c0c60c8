"""Which networks answer together: those whose mean answer for rows they have not seen is best."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Answers = NDArray[np.float64]
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
