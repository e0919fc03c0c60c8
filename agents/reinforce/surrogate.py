"""What will a sentence earn? A Gaussian process over the sentences played so far."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve
from scipy.stats import norm, rankdata, spearmanr
from sklearn.gaussian_process import GaussianProcessRegressor
from threadpoolctl import threadpool_limits

from agents.reinforce.sentence_kernel import SentenceKernel, encoded

LENGTH_SCALES = (1.0, 2.0, 4.0, 8.0, 16.0)
NOISES = (0.02, 0.1, 0.3, 0.6)
MOST_FITTED = 400
"""Sentences that a model is fitted on at most: its cost grows with the third power of their number."""
NO_CORRELATION = 0.0


class Surrogate:
    """A Gaussian process that predicts the ranks of sentences, from what was played.

    Returns are replaced by normal scores, the quantiles of a normal distribution at their ranks: what counts
    is the order alone, as in ``rank_advantages``. Length scale and noise are those of a grid with the
    greatest marginal likelihood.

    Source: Angermueller et al. 2020, "Model-based reinforcement learning for biological sequence design"
    (DyNA-PPO, ICLR), https://openreview.net/forum?id=HklxbgBKvr, whose models, scikit-learn's, are trusted
    only as far as cross-validation says that they predict. Different: one model instead of an ensemble, and
    it is cross-validated by leaving each sentence out, which a Gaussian process answers in closed form
    (Rasmussen & Williams 2006, section 5.4.2).

    It computes on one thread: with more, sums are added up in another order, so that the proposals would
    depend on the machine's number of cores, and threads would wait for one another where children train.

    Args:
        sentences: The played ones, at least one.
        values: What they earned.

    Attributes:
        correlation: Spearman's, between normal scores and their leave-one-out predictions, -1 to 1; 0 where
            it is not defined, as among equals.
        noise: Share of the scores' variance that is taken for noise.
    """

    def __init__(self, sentences: Sequence[tuple[int, ...]], values: Sequence[float]) -> None:
        kept = _most_telling(np.asarray(values, dtype=np.float64))
        fitted = [sentences[i] for i in kept]
        self._steps = max(len(sentence) for sentence in fitted)
        rows, scores = encoded(fitted, self._steps), normal_scores([values[i] for i in kept])
        with threadpool_limits(1):
            models = [
                GaussianProcessRegressor(
                    SentenceKernel(length_scale, 1.0 - noise), alpha=noise, optimizer=None
                ).fit(rows, scores)
                for length_scale, noise in product(LENGTH_SCALES, NOISES)
            ]
            self._model = max(models, key=lambda model: float(model.log_marginal_likelihood_value_))
            self.noise = float(self._model.alpha)
            self.correlation = _correlation(scores, left_out(self._model, scores))

    def predict(
        self, sentences: Sequence[tuple[int, ...]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return means and standard deviations of the normal scores, both of shape ``(sentences,)``."""
        with threadpool_limits(1):
            mean, deviation = self._model.predict(encoded(sentences, self._steps), return_std=True)
        return np.asarray(mean), np.asarray(deviation)


def normal_scores(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the quantiles of a standard normal distribution at the values' ranks; equals share theirs."""
    return np.asarray(norm.ppf((rankdata(values) - 0.5) / len(values)))


def left_out(model: Any, scores: NDArray[np.float64]) -> NDArray[np.float64]:  # noqa: ANN401, untyped
    """Return what a fitted ``GaussianProcessRegressor`` predicts for each score from all others."""
    precision = cho_solve((model.L_, True), np.eye(len(scores)))
    return np.asarray(scores - model.alpha_ / np.diag(precision))


def _correlation(scores: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    if len(scores) < 3 or np.ptp(scores) == 0 or np.ptp(predicted) == 0:
        return NO_CORRELATION
    return float(spearmanr(scores, predicted).statistic)


def _most_telling(values: NDArray[np.float64]) -> list[int]:
    """Return which sentences a model is fitted on: all, or of too many the best half and the latest."""
    if len(values) <= MOST_FITTED:
        return list(range(len(values)))
    best = np.argsort(-values, kind="stable")[: MOST_FITTED // 2].tolist()
    return sorted({*best, *range(len(values) - MOST_FITTED // 2, len(values))})
