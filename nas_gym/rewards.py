"""HOW GOOD IS THAT? Functions from an evaluation with status ``"ok"`` to a reward."""

from collections.abc import Callable

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluation.evaluation import Evaluation

Reward = Callable[[Evaluation], float]


def validation_accuracy(evaluation: Evaluation) -> float:
    """Return the validation accuracy, from 0 to 1."""
    assert evaluation.validation_accuracy is not None, "an evaluation with status 'ok' has an accuracy"
    return evaluation.validation_accuracy


REWARDS: dict[str, Reward] = {"validation_accuracy": validation_accuracy}


def get_reward(reward: str | Reward) -> Reward:
    """Return the reward function of a name; a function is returned as it is.

    Raises:
        InvalidArgumentError: If there is no reward of that name.
    """
    if callable(reward):
        return reward
    if not isinstance(reward, str) or reward not in REWARDS:
        raise InvalidArgumentError(
            f"unknown reward {reward!r}; there are {', '.join(REWARDS)}, or a function"
        )
    return REWARDS[reward]
