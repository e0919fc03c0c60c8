import pickle
from dataclasses import replace
from typing import Any

import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.rewards import REWARDS, AccuracyWithCost, Reward, ScoreReward, checked
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import InstantEvaluator, random_networks

KEYWORDS: dict[str, dict[str, Any]] = {"accuracy_with_cost": {"target": 3}}
"""Keywords without which a reward cannot be made."""

EVALUATION = replace(
    InstantEvaluator().evaluate(random_networks(1))[0],
    scores={"accuracy": 0.8, "last_epochs_accuracy": 0.5, "log_loss": 0.5, "perplexity": 20.0},
    parameters=200,
    multiply_adds=4000,
    latency_seconds=0.25,
)


def make(name: str, **keywords: Any) -> Reward:  # noqa: ANN401
    return REWARDS[name](**keywords)


def without(score: str) -> Evaluation:
    return replace(EVALUATION, scores={n: v for n, v in EVALUATION.scores.items() if n != score})


@pytest.mark.parametrize("name", REWARDS)
def test_reward__is_a_number_for_every_good_evaluation(name: str) -> None:
    reward = make(name, **KEYWORDS.get(name, {}))
    evaluations = InstantEvaluator().evaluate(random_networks(20))
    rewards = [
        reward(replace(e, scores={**e.scores, **dict.fromkeys(("perplexity", "log_loss"), 2 - e.score)}))
        for e in evaluations
        if e.score is not None
    ]
    assert all(type(value) is float for value in rewards)
    assert len(set(rewards)) > 10


@pytest.mark.parametrize("name", REWARDS)
def test_reward__reaches_other_processes(name: str) -> None:
    reward = make(name, **KEYWORDS.get(name, {}))
    assert pickle.loads(pickle.dumps(reward))(EVALUATION) == reward(EVALUATION)


def test_validation_accuracy__is_that_of_the_evaluation() -> None:
    assert make("validation_accuracy")(EVALUATION) == 0.8


def test_likelihood__is_of_the_loss() -> None:
    assert make("likelihood")(EVALUATION) == pytest.approx(0.6065, abs=1e-4)


def test_cubed_accuracy__is_of_the_last_epochs() -> None:
    assert make("cubed_accuracy")(EVALUATION) == 0.125


def test_inverse_squared_perplexity__is_scaled_by_c() -> None:
    assert make("inverse_squared_perplexity")(EVALUATION) == pytest.approx(80 / 400)
    assert make("inverse_squared_perplexity", c=2)(EVALUATION) == pytest.approx(2 / 400)
    enormous = replace(EVALUATION, scores={"perplexity": 1e300})
    assert make("inverse_squared_perplexity")(enormous) == 0.0


@pytest.mark.parametrize(
    ("field", "reward"),
    [
        ("accuracy", "validation_accuracy"),
        ("last_epochs_accuracy", "cubed_accuracy"),
        ("log_loss", "likelihood"),
        ("perplexity", "inverse_squared_perplexity"),
    ],
)
def test_metric__that_is_not_known_is_one_line(field: str, reward: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"the reward {reward} needs the score {field}, which"):
        make(reward)(without(field))


@pytest.mark.parametrize("c", [0, -1.0, float("inf"), "80"])
def test_inverse_squared_perplexity__refuses_what_is_no_scale(c: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match=f"c must be a positive number, got {c!r}"):
        make("inverse_squared_perplexity", c=c)


@pytest.mark.parametrize(
    ("keywords", "reward"),
    [
        ({"target": 200}, 0.8),
        ({"target": 100}, 0.8 * 2**-0.07),
        ({"target": 400}, 0.8 * 2**0.07),
        ({"cost": "parameters", "target": 100, "exponent": -1}, 0.4),
        ({"cost": "multiply_adds", "target": 1000, "exponent": -0.5}, 0.4),
        ({"cost": "latency_seconds", "target": 0.5, "exponent": -1}, 1.6),
        ({"target": 1, "exponent": 0}, 0.8),
    ],
)
def test_accuracy_with_cost__trades_one_for_the_other(keywords: dict[str, Any], reward: float) -> None:
    assert make("accuracy_with_cost", **keywords)(EVALUATION) == pytest.approx(reward, rel=1e-12)
    assert AccuracyWithCost(**keywords) == make("accuracy_with_cost", **keywords)


@pytest.mark.parametrize(
    ("name", "keywords", "field"),
    [
        ("accuracy_with_cost", {"target": 1}, "parameters"),
        ("accuracy_with_cost", {"target": 1, "cost": "multiply_adds"}, "multiply_adds"),
        ("accuracy_with_cost", {"target": 1, "cost": "latency_seconds"}, "latency_seconds"),
    ],
)
def test_reward__names_what_an_evaluation_lacks(name: str, keywords: dict[str, Any], field: str) -> None:
    missing: dict[str, Any] = {field: None}
    with pytest.raises(InvalidArgumentError) as error:
        make(name, **keywords)(replace(EVALUATION, **missing))
    assert str(error.value).startswith(f"the reward {name} needs {field}, which the evaluator of none")
    assert "\n" not in str(error.value)


def test_accuracy_with_cost__needs_a_cost_above_zero() -> None:
    with pytest.raises(InvalidArgumentError, match=r"needs positive parameters, but .* has 0"):
        AccuracyWithCost(target=1)(replace(EVALUATION, parameters=0))


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"target": 0}, "target must be a positive number, got 0"),
        ({"target": -1.0}, "target must be a positive number, got -1.0"),
        ({"target": "small"}, "target must be a positive number, got 'small'"),
        ({"target": float("inf")}, "target must be a positive number, got inf"),
        ({"target": 1, "exponent": 0.07}, "exponent must be 0 or a negative number, got 0.07"),
        ({"target": 1, "exponent": float("nan")}, "exponent must be 0 or a negative number, got nan"),
        ({"target": 1, "exponent": True}, "exponent must be 0 or a negative number, got True"),
        ({"target": 1, "cost": "price"}, "one of parameters, multiply_adds, latency_seconds, got 'price'"),
    ],
)
def test_accuracy_with_cost__refuses_what_is_no_trade(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        make("accuracy_with_cost", **keywords)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_score__is_that_of_the_metric_and_more_is_better() -> None:
    assert ScoreReward()(EVALUATION) == 0.8
    worse, better = (replace(EVALUATION, scores={"log_loss": loss}) for loss in (3.0, 0.0))
    assert (ScoreReward(larger_is_better=False)(worse), ScoreReward(False)(better)) == (0.25, 1.0)
    assert ScoreReward(False, unit=3.0)(worse) == 0.5


def test_checked__refuses_what_an_agent_could_not_learn_from() -> None:
    assert checked(lambda evaluation: 3, EVALUATION) == 3.0
    for value in (float("nan"), float("inf"), None):
        with pytest.raises(InvalidArgumentError, match="the reward") as error:
            checked(lambda evaluation, value=value: value, EVALUATION)  # type: ignore[misc]
        assert "\n" not in str(error.value)
