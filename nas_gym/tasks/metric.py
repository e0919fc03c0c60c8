"""What trained networks are judged by on data held out, and on which scale that is averaged and compared."""

import math
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """How good a trained network is.

    Attributes:
        name: For tables and for the fields of results.
        plural: The same.
        larger_is_better: Whether it is.
        to_scale: From a value to the scale on which differences between seeds are noise of the same size
            everywhere: there means are taken, and Student's t is asked.
        from_scale: Back again.
        value_text: A value for readers.
        gap_text: A difference of test results on the scale, for readers.
        gap_words: The same, with what it is.
    """

    name: str
    plural: str
    larger_is_better: bool
    to_scale: Callable[[float], float]
    from_scale: Callable[[float], float]
    value_text: Callable[[float], str]
    gap_text: Callable[[float], str]
    gap_words: Callable[[float], str]


def _same(value: float) -> float:
    return value


def _points(gap: float) -> str:
    return f"{100 * gap:+.2f}"


def _percent(gap: float) -> str:
    return f"{100 * math.expm1(gap):+.2f} %"


ACCURACY = Metric(
    "accuracy",
    "accuracies",
    larger_is_better=True,
    to_scale=_same,
    from_scale=_same,
    value_text="{:.4f}".format,
    gap_text=_points,
    gap_words=lambda gap: f"{_points(gap)} points of test accuracy",
)
"""Share of samples classified correctly."""

PERPLEXITY = Metric(
    "perplexity",
    "perplexities",
    larger_is_better=False,
    to_scale=math.log,
    from_scale=math.exp,
    value_text="{:#.5g}".format,
    gap_text=_percent,
    gap_words=lambda gap: f"{_percent(gap)} in test perplexity",
)
"""``exp`` of the mean loss of a language model in nats per token.

Its scale is that loss: a mean over many tokens, so close to normal over seeds, where perplexity itself is
skewed the more, the larger it is. A mean perplexity here is thus the geometric one, and a gap is a ratio.
"""
