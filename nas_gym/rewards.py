"""HOW GOOD IS THAT? Functions from an evaluation with status ``"ok"`` to a reward."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from math import isfinite
from typing import Any, Literal, get_args

from nas_gym.errors import InvalidArgumentError
from nas_gym.tasks.evaluation import Evaluation

Reward = Callable[[Evaluation], float]
Cost = Literal["parameters", "multiply_adds", "latency_seconds"]
MNASNET_EXPONENT = -0.07


def validation_accuracy(evaluation: Evaluation) -> float:
    """Return the validation accuracy, from 0 to 1.

    Raises:
        InvalidArgumentError: If it is not known, as of a language model.
    """
    return _known(evaluation, "validation_accuracy", "validation_accuracy")


def cubed_accuracy(evaluation: Evaluation) -> float:
    """Return the cube of the largest validation accuracy of the last five epochs, from 0 to 1.

    Paper: Zoph & Le 2016, https://arxiv.org/abs/1611.01578. The cube sets good networks farther apart.

    Raises:
        InvalidArgumentError: If that accuracy is not known, as of a table.
    """
    return float(_known(evaluation, "last_epochs_accuracy", "cubed_accuracy") ** 3)


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
        if self.cost not in get_args(Cost):
            raise InvalidArgumentError(f"cost must be one of {', '.join(get_args(Cost))}, got {self.cost!r}")
        if not _is_number(self.target) or self.target <= 0:
            raise InvalidArgumentError(f"target must be a positive number, got {self.target!r}")
        if not _is_number(self.exponent) or self.exponent > 0:
            raise InvalidArgumentError(f"exponent must be 0 or a negative number, got {self.exponent!r}")

    def __call__(self, evaluation: Evaluation) -> float:
        """Return the reward of an evaluation."""
        cost = _known(evaluation, self.cost, "accuracy_with_cost")
        if cost <= 0:
            raise InvalidArgumentError(
                f"the reward accuracy_with_cost needs positive {self.cost}, "
                f"but {evaluation.architecture} has {cost}"
            )
        return float(validation_accuracy(evaluation) * (cost / self.target) ** self.exponent)


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
        if not _is_number(self.c) or self.c <= 0:
            raise InvalidArgumentError(f"c must be a positive number, got {self.c!r}")

    def __call__(self, evaluation: Evaluation) -> float:
        """Return the reward of an evaluation."""
        # Divided twice: the square of a huge perplexity would be too large for a float.
        perplexity = _known(evaluation, "validation_perplexity", "inverse_squared_perplexity")
        return self.c / perplexity / perplexity


REWARDS: dict[str, Reward | type[AccuracyWithCost] | type[InverseSquaredPerplexity]] = {
    "validation_accuracy": validation_accuracy,
    "cubed_accuracy": cubed_accuracy,
    "accuracy_with_cost": AccuracyWithCost,
    "inverse_squared_perplexity": InverseSquaredPerplexity,
}
"""A class is called with the reward's own keywords first, and so becomes a function."""


def get_reward(reward: str | Reward, **keywords: Any) -> Reward:  # noqa: ANN401, as the reward has them
    """Return the reward function of a name; a function is returned as it is.

    Args:
        reward: A name in ``REWARDS``, or a function.
        **keywords: Those of ``reward_keywords``, where the reward of that name has some.

    Raises:
        InvalidArgumentError: If there is no reward of that name, or a keyword is missing, unknown or out
            of range.
    """
    names = reward_keywords(reward)
    unknown = sorted(set(keywords) - set(names))
    if unknown:
        raise InvalidArgumentError(
            f"the reward {reward} has no keyword {unknown[0]!r}; it has {', '.join(names) or 'none'}"
        )
    chosen = REWARDS[reward] if isinstance(reward, str) else reward
    if not isinstance(chosen, type):
        return chosen
    missing = [name for name in names if names[name] and name not in keywords]
    if missing:
        raise InvalidArgumentError(
            f"the reward {reward} needs the keyword {missing[0]!r}; it has {', '.join(names)}"
        )
    made: Reward = chosen(**keywords)
    return made


def reward_keywords(reward: str | Reward) -> dict[str, bool]:
    """Return the names of the keywords that a reward is made with, and whether each must be given.

    Raises:
        InvalidArgumentError: If there is no reward of that name.
    """
    if callable(reward):
        return {}
    if not isinstance(reward, str) or reward not in REWARDS:
        raise InvalidArgumentError(
            f"unknown reward {reward!r}; there are {', '.join(REWARDS)}, or a function"
        )
    made = REWARDS[reward]
    if not isinstance(made, type):
        return {}
    return {field.name: field.default is MISSING for field in fields(made)}


def _known(evaluation: Evaluation, field: str, reward: str) -> float:
    value: float | None = getattr(evaluation, field)
    if value is None:
        remedy = "make the environment with measure_latency=True" if field == "latency_seconds" else ""
        raise InvalidArgumentError(
            f"the reward {reward} needs {field}, which the evaluator of {evaluation.dataset} "
            f"with {evaluation.recipe} does not tell; {remedy or 'choose another reward or evaluator'}"
        )
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
