"""What regressors are judged by: scikit-learn's functions of outputs and numbers."""

from nas_gym.tasks.metric import Metric
from nas_gym.tasks.supervised.scores import Labels, Outputs, Score

R2 = Metric("r2")
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        R2,
        Metric("rmse", larger_is_better=False, gap="plain", form="#.4g"),
        Metric("mae", larger_is_better=False, gap="plain", form="#.4g"),
    )
}
"""By name, the usual one first."""


def r2(outputs: Outputs, labels: Labels) -> float:
    """Return the share of the numbers' variance that is predicted: 0 for who says their mean, 1 at best."""
    from sklearn.metrics import r2_score

    return float(r2_score(labels.astype(float), outputs[:, 0].astype(float)))


def rmse(outputs: Outputs, labels: Labels) -> float:
    """Return the square root of the mean squared error."""
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(labels.astype(float), outputs[:, 0].astype(float)))


def mae(outputs: Outputs, labels: Labels) -> float:
    """Return the mean absolute error."""
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(labels.astype(float), outputs[:, 0].astype(float)))


SCORES: dict[str, Score] = {score.__name__: score for score in (r2, rmse, mae)}
