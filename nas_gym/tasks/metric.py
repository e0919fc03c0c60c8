"""What trained networks are judged by on data held out, and on which scale that is averaged and compared."""

import math
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """How good a trained network is. Plain data: it travels as it is, to agents, files and pages.

    Attributes:
        name: Key of its value in ``Evaluation.scores``, for example ``"balanced_accuracy"``.
        larger_is_better: Whether it is.
        scale: On which differences between seeds are noise of the same size everywhere: there means are
            taken, and Student's t is asked. ``"log"`` makes means geometric ones and gaps ratios.
        gap: How a difference on the scale is told: ``"points"``, hundredths of values from 0 to 1;
            ``"percent"``, of a ratio; ``"plain"``, as it is.
        form: Format of a value, as Python and Plotly understand it.
        nothing: What a search that has found nothing yet counts as.
        unit: What values are counted in where a plain number is wanted, an error of this size as 1.
        best_possible: The best value that any model can have in the long run, ``None`` if unknown.
        best_is: Whose value that is, for example ``"the grammar's own"``.
        by: What one unit of it is counted by, for example ``"character"``; empty where that has no meaning.
    """

    name: str
    larger_is_better: bool = True
    scale: Literal["linear", "log"] = "linear"
    gap: Literal["points", "percent", "plain"] = "points"
    form: str = ".4f"
    nothing: float = 0.0
    unit: float = 1.0
    best_possible: float | None = None
    best_is: str = "the best possible"
    by: str = ""

    @property
    def words(self) -> str:
        """Its name in words."""
        return self.name.replace("_", " ")

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if self.larger_is_better else -1

    @property
    def extreme(self) -> str:
        """What the best of several values is called."""
        return "highest" if self.larger_is_better else "lowest"

    def is_better(self, value: float, than: float) -> bool:
        """Say whether a value is better than another one."""
        return self.sign * value > self.sign * than

    def to_scale(self, value: float) -> float:
        """Return a value on the scale of means and differences."""
        return math.log(value) if self.scale == "log" else value

    def from_scale(self, value: float) -> float:
        """Return what ``to_scale`` was given."""
        return math.exp(value) if self.scale == "log" else value

    def value_text(self, value: float) -> str:
        """Return a value for readers."""
        return format(value, self.form)

    def gap_text(self, gap: float) -> str:
        """Return a difference on the scale for readers."""
        match self.gap:
            case "points":
                return f"{100 * gap:+.2f}"
            case "percent":
                return f"{100 * math.expm1(gap):+.2f} %"
        return f"{gap:+.4g}"

    def gap_words(self, gap: float) -> str:
        """Return a difference of test results on the scale, with what it is."""
        return f"{self.gap_text(gap)}{' points of' if self.gap == 'points' else ' in'} test {self.words}"


ACCURACY = Metric("accuracy")
"""Share of samples classified correctly."""

PERPLEXITY = Metric(
    "perplexity", larger_is_better=False, scale="log", gap="percent", form=".3f", best_is="the grammar's own"
)
"""``exp`` of the mean loss of a language model in nats per token.

Its scale is that loss: a mean over many tokens, so close to normal over seeds, where perplexity itself is
skewed the more, the larger it is. A mean perplexity here is thus the geometric one, and a gap is a ratio.
"""


def perplexity(vocabulary: int, by: str, best_possible: float | None = None) -> Metric:
    """Return the perplexity of language models of one text.

    Args:
        vocabulary: Number of different tokens: the perplexity of whoever takes all for equally likely.
        by: What a token is, ``"word"``, ``"character"`` or ``"bracket"``.
        best_possible: Perplexity of the best predictor there can be, ``None`` if unknown.
    """
    return replace(PERPLEXITY, nothing=float(vocabulary), by=by, best_possible=best_possible)
