"""What the answer of a search is judged by."""

from nas_gym.studies.row_metric import ACCURACY, PERPLEXITY, TEST_ACCURACY, Metric

MEASURES = {"test": TEST_ACCURACY, "validation": ACCURACY, "validation_perplexity": PERPLEXITY}
"""Metrics by the names that curves, intervals and comparisons have for them."""


def measure_of(metric: Metric) -> str:
    """Return the name of a metric in ``MEASURES``."""
    return next(measure for measure, known in MEASURES.items() if known.name == metric.name)
