"""What classifiers are judged by: scikit-learn's functions of logits and labels."""

import numpy as np
from numpy.typing import NDArray

from nas_gym.tasks.metric import ACCURACY, Metric
from nas_gym.tasks.supervised.scores import Labels, Outputs, Score

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        ACCURACY,
        Metric("balanced_accuracy"),
        Metric("f1_macro"),
        Metric("roc_auc", nothing=0.5),
        Metric("log_loss", larger_is_better=False, gap="plain", nothing=np.log(2.0)),
    )
}
"""By name, the usual one first."""


def probabilities(logits: Outputs) -> NDArray[np.float64]:
    """Return the softmax of logits ``(samples, classes)``, float64, each row summing to 1."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    exponentials = np.exp(shifted)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def accuracy(logits: Outputs, labels: Labels) -> float:
    """Return the share of samples whose largest logit is that of their label."""
    return int((logits.argmax(axis=1) == labels).sum()) / len(labels)


def balanced_accuracy(logits: Outputs, labels: Labels) -> float:
    """Return the mean over classes of the share of their samples that are classified correctly."""
    hit = logits.argmax(axis=1) == labels
    return float(np.mean([hit[labels == label].mean() for label in np.unique(labels)]))


def f1_macro(logits: Outputs, labels: Labels) -> float:
    """Return the mean over classes of the harmonic mean of precision and recall."""
    from sklearn.metrics import f1_score

    return float(f1_score(labels, logits.argmax(axis=1), average="macro", zero_division=0))


def roc_auc(logits: Outputs, labels: Labels) -> float:
    """Return the area under the ROC curve; of more than two classes the mean, each against the rest."""
    from sklearn.metrics import roc_auc_score

    known = probabilities(logits)
    if known.shape[1] == 2:
        return float(roc_auc_score(labels, known[:, 1]))
    return float(roc_auc_score(labels, known, multi_class="ovr", labels=np.arange(known.shape[1])))


def log_loss(logits: Outputs, labels: Labels) -> float:
    """Return the mean negative logarithm of the probability of the label, in nats.

    As scikit-learn's, which takes no probability for smaller than the resolution of float64; it is told of
    every child, so it has to be quick.
    """
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]
    return float(np.minimum(losses, -np.log(np.finfo(np.float64).eps)).mean())


SCORES: dict[str, Score] = {
    score.__name__: score for score in (accuracy, balanced_accuracy, f1_macro, roc_auc, log_loss)
}
