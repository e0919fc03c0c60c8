from typing import Any

import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.rewards import REWARDS, get_reward
from tests.nas_gym.doubles import InstantEvaluator, random_networks


@pytest.mark.parametrize("name", REWARDS)
def test_reward__is_a_number_for_every_good_evaluation(name: str) -> None:
    for evaluation in InstantEvaluator().evaluate(random_networks(20)):
        assert isinstance(get_reward(name)(evaluation), float)


def test_validation_accuracy__is_that_of_the_evaluation() -> None:
    (evaluation,) = InstantEvaluator().evaluate(random_networks(1))
    assert get_reward("validation_accuracy")(evaluation) == evaluation.validation_accuracy


def test_get_reward__returns_a_function_as_it_is() -> None:
    def mine(evaluation: object) -> float:
        return 1.0

    assert get_reward(mine) is mine


@pytest.mark.parametrize("reward", ["speed", "", None, 3])
def test_get_reward__refuses_what_is_none(reward: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError) as error:
        get_reward(reward)
    assert f"unknown reward {reward!r}; there are validation_accuracy" in str(error.value)
    assert "\n" not in str(error.value)
