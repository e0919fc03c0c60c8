from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

import nas_gym
from nas_gym.evaluators.trainers.base import Child
from nas_gym.evaluators.trainers.fused import mlp_kernel
from nas_gym.problems.problem import Problem
from nas_gym.studies.references import retrain_models
from nas_gym.tasks.regression import METRICS, Regression
from tests.nas_gym.doubles import values

NETWORK = "Linear-4 Tanh"
WAYS = ("fused", "local")


def regression(**keywords: Any) -> Problem:  # noqa: ANN401
    arguments = {**values(), "task": "regression", "recipe": {"epochs": 3}, **keywords}
    return nas_gym.problem("NAS-Tabular-v0", **arguments)


def task_of(problem: Problem) -> Regression:
    assert isinstance(problem.task, Regression)
    return problem.task


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", ["squared_error", "huber"])
@pytest.mark.parametrize("metric", METRICS)
def test_regression__is_judged_by_the_metric_that_stopped_it(metric: str, loss: str, way: str) -> None:
    problem = regression(metric=metric, evaluator=way, recipe={"epochs": 3, "loss": loss})
    trained = problem.make_trainer().train(Child(problem.search_space.parse(NETWORK), seed=1))
    validation = trained.scores("validation")
    assert trained.outcome.scores[metric] == pytest.approx(validation[metric], rel=1e-6)
    assert list(validation) == list(dict.fromkeys([metric, "r2"]))
    assert f"loss={loss}" in task_of(problem).recipe_of().id or loss == "squared_error"


@pytest.mark.parametrize("way", WAYS)
def test_regression__tells_errors_in_the_units_of_the_numbers(way: str) -> None:
    # A power of two: the numbers that are learned are bit by bit the same.
    small, large = (
        regression(metric="rmse", evaluator=way, y=factor * values()["y"]) for factor in (1.0, 1024.0)
    )
    told = []
    for problem in (small, large):
        (evaluation,) = problem.make_evaluator().evaluate([problem.search_space.parse(NETWORK)], [7])
        assert problem.reward is not None and evaluation.score is not None
        told.append((problem.reward(evaluation), evaluation.score, problem.metric.nothing))
    assert told[1] == pytest.approx((told[0][0], 1024 * told[0][1], 1024 * told[0][2]))
    deviation = values()["y"].std()
    assert told[0][2] == pytest.approx(deviation, rel=0.1), "of who says the mean of the training part"


def test_judge__is_scikit_learns_of_numbers_turned_back() -> None:
    problem = regression(metric="mae")
    task, module = task_of(problem), torch.nn.Linear(4, 1)
    data = task.data_of()
    assert data.test is not None
    with torch.no_grad():
        said = data.mean + data.unit * module(torch.from_numpy(data.test.features)).numpy()[:, 0].astype(
            float
        )
    truth = data.mean + data.unit * data.test.labels.astype(float)
    told = task.judge(module, "test")
    assert told["mae"] == pytest.approx(np.abs(said - truth).mean(), rel=1e-5)
    assert told["r2"] == pytest.approx(1 - ((said - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_loss__is_that_of_the_kernel(loss: str) -> None:
    task = task_of(regression(recipe={"loss": loss}))
    outputs, labels = torch.linspace(-4, 4, 9), torch.linspace(2, -1, 9)
    error = (outputs - labels).abs()
    halved = torch.where(error <= 1, error**2 / 2, error - 0.5)
    expected = (error**2 if loss == "squared_error" else halved).mean()
    assert torch.allclose(task.loss(outputs[:, None], labels, 0), expected)
    assert task.loss_name(0) in mlp_kernel.LOSSES and task.class_weights(0) is None


def test_references__are_fitted_to_the_same_split() -> None:
    problem = regression()
    linear, trees, perceptron = retrain_models(problem, seeds=2)
    names = ["LinearRegression", "HistGradientBoostingRegressor", "MLPRegressor"]
    assert [each.name for each in (linear, trees, perceptron)] == names
    assert [len(each.test_scores) for each in (linear, trees, perceptron)] == [1, 1, 2]
    data = task_of(problem).data_of(-1)
    assert data.test is not None
    model = LinearRegression().fit(data.train.features, data.train.labels)
    assert linear.test_scores[0] == pytest.approx(model.score(data.test.features, data.test.labels), abs=1e-6)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"task": None}, "y holds 90 different numbers: give task='regression' to predict them, or task="),
        ({"task": "ranking"}, "task must be one of classification, regression, got 'ranking'"),
        ({"metric": "accuracy"}, "metric must be one of r2, rmse, mae, got 'accuracy'"),
        ({"recipe": {"loss": "hinge"}}, "loss must be one of squared_error, huber, got 'hinge'"),
        ({"recipe": {"class_weight": None}}, "recipe has no keyword 'class_weight'; it has epochs"),
        ({"task": "classification", "recipe": {"loss": "huber"}}, "recipe has no keyword 'loss'"),
        ({"task": "classification"}, "class "),
    ],
)
def test_regression__refuses_in_one_line_what_it_does_not_know(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(nas_gym.NasGymError) as error:
        task = regression(**keywords).task
        assert task is not None
        task.data_of()
    assert says in str(error.value) and "\n" not in str(error.value)


def test_table__of_few_numbers_or_integers_has_classes() -> None:
    for y in (np.arange(90) % 3 / 2, np.arange(90) // 3, np.array([*"abc"] * 30)):
        problem = nas_gym.problem("NAS-Tabular-v0", X=values()["X"], y=y)
        assert problem.metric.name == "accuracy"
