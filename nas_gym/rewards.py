"""HOW GOOD IS THAT? Functions from an evaluation with status ``"ok"`` to a reward."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, isfinite
from typing import Literal, get_args

from nas_gym.checks import boolean, choice, number
from nas_gym.errors import InvalidArgumentError
from nas_gym.tasks.evaluation import Evaluation

Reward = Callable[[Evaluation], float]
Cost = Literal["parameters", "multiply_adds", "latency_seconds"]
MNASNET_EXPONENT = -0.07


@dataclass(frozen=True, slots=True)
class ScoreReward:
    """The score of the task's metric; where less is better ``1 / (1 + score / unit)``, so that more is.

    Args:
        larger_is_better: Whether more of the metric is better.
        unit: What scores are counted in where less is better, so that the reward does not depend on it.

    Raises:
        InvalidArgumentError: If an argument is out of range.
    """

    larger_is_better: bool = True
    unit: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what is no choice and no unit."""
        keep = object.__setattr__
        keep(self, "larger_is_better", boolean("larger_is_better", self.larger_is_better))
        keep(self, "unit", number("unit", self.unit, "a positive number", above=0))

    def __call__(self, evaluation: Evaluation) -> float:
        """Return the reward of an evaluation."""
        assert evaluation.score is not None
        return evaluation.score if self.larger_is_better else 1.0 / (1.0 + evaluation.score / self.unit)


def validation_accuracy(evaluation: Evaluation) -> float:
    """Return the validation accuracy, from 0 to 1.

    Raises:
        InvalidArgumentError: If it is not known, as of a language model.
    """
    return _score(evaluation, "accuracy", "validation_accuracy")


def likelihood(evaluation: Evaluation) -> float:
    """Return ``exp(-loss)`` of the validation loss: the geometric mean of the labels' probabilities, 0 to 1.

    It tells networks apart that classify equally many samples, and so ranks short trainings better.

    Raises:
        InvalidArgumentError: If the loss is not known, as of a table.
    """
    return exp(-_score(evaluation, "log_loss", "likelihood"))


def cubed_accuracy(evaluation: Evaluation) -> float:
    """Return the cube of the largest validation accuracy of the last five epochs, from 0 to 1.

    Paper: Zoph & Le 2016, https://arxiv.org/abs/1611.01578. The cube sets good networks farther apart.

    Raises:
        InvalidArgumentError: If that accuracy is not known, as of a table.
    """
    return _score(evaluation, "last_epochs_accuracy", "cubed_accuracy") ** 3


@dataclass(frozen=True, slots=True)
class AccuracyWithCost:
    """Accuracy traded for a cost: ``accuracy * (cost / target) ** exponent``.

    Paper: Tan et al. 2018 (MnasNet), https://arxiv.org/abs/1807.11626, its soft constraint, in which one
    exponent holds on both sides of the target. With -0.07, twice the cost is worth it for an accuracy
    that is 5 % higher. Below the target the reward is larger than the accuracy.

    Args:
        cost: What is to be small. ``"latency_seconds"`` is measured and differs from run to run: a run
            does not repeat itself then.
        target: Cost at which the reward is the accuracy, in numbers or seconds. It scales all rewards
            alike, and so does not change which network is best.
        exponent: How much a cost counts, 0 (nothing) or less.

    Raises:
        InvalidArgumentError: If an argument is unknown or out of range. When called, if the evaluation
            does not know the cost.
    """

    target: float
    cost: Cost = "parameters"
    exponent: float = MNASNET_EXPONENT

    def __post_init__(self) -> None:
        """Refuse what is no trade."""
        choice("cost", self.cost, get_args(Cost))
        keep = object.__setattr__
        keep(self, "target", number("target", self.target, "a positive number", above=0))
        keep(self, "exponent", number("exponent", self.exponent, "0 or a negative number", most=0))

    def __call__(self, evaluation: Evaluation) -> float:
        """Return the reward of an evaluation."""
        cost: float | None = getattr(evaluation, self.cost)
        if cost is None:
            latency = "make the environment with evaluator={'measure_latency': True}"
            remedy = latency if self.cost == "latency_seconds" else "choose another reward or evaluator"
            raise _unknown(evaluation, self.cost, "accuracy_with_cost", remedy)
        if cost <= 0:
            raise InvalidArgumentError(
                f"the reward accuracy_with_cost needs positive {self.cost}, "
                f"but {evaluation.architecture} has {cost}"
            )
        accuracy = _score(evaluation, "accuracy", "accuracy_with_cost")
        return float(accuracy * (cost / self.target) ** self.exponent)


@dataclass(frozen=True, slots=True)
class InverseSquaredPerplexity:
    """Of a language model: ``c / validation_perplexity ** 2``.

    Paper: Zoph & Le 2016, https://arxiv.org/abs/1611.01578, section 4.2.

    Args:
        c: A positive number, "usually set at 80" in the paper. It scales all rewards alike.

    Raises:
        InvalidArgumentError: If ``c`` is out of range. When called, if the evaluation has no perplexity.
    """

    c: float = 80.0

    def __post_init__(self) -> None:
        """Refuse what is no scale."""
        object.__setattr__(self, "c", number("c", self.c, "a positive number", above=0))

    def __call__(self, evaluation: Evaluation) -> float:
        """Return the reward of an evaluation."""
        # Divided twice: the square of a huge perplexity would be too large for a float.
        perplexity = _score(evaluation, "perplexity", "inverse_squared_perplexity")
        return self.c / perplexity / perplexity


REWARDS: dict[str, Callable[..., Reward]] = {
    "score": ScoreReward,
    "validation_accuracy": lambda: validation_accuracy,
    "likelihood": lambda: likelihood,
    "cubed_accuracy": lambda: cubed_accuracy,
    "accuracy_with_cost": AccuracyWithCost,
    "inverse_squared_perplexity": InverseSquaredPerplexity,
}
"""What makes each reward, called with its own keywords."""


def checked(reward: Reward, evaluation: Evaluation) -> float:
    """Return a reward that is a finite number.

    Raises:
        InvalidArgumentError: If it is none: an agent could learn nothing from it.
    """
    try:
        value = float(reward(evaluation))
    except TypeError as error:
        raise InvalidArgumentError(f"the reward {_name(reward)} cannot be computed: {error}") from None
    if not isfinite(value):
        raise InvalidArgumentError(
            f"the reward {_name(reward)} of {evaluation.architecture} is {value}, it must be finite"
        )
    return value


def _score(evaluation: Evaluation, name: str, reward: str) -> float:
    if name not in evaluation.scores:
        raise _unknown(evaluation, f"the score {name}", reward, "choose another reward or evaluator")
    return evaluation.scores[name]


def _unknown(evaluation: Evaluation, what: str, reward: str, remedy: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"the reward {reward} needs {what}, which the evaluator of {evaluation.task} "
        f"with {evaluation.recipe} does not tell; {remedy}"
    )


def _name(reward: Reward) -> str:
    return getattr(reward, "__name__", type(reward).__name__)
