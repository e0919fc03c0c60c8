from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression

import nas_gym
from nas_gym.studies.references import retrain_models
from nas_gym.tasks.supervised.task import SampleTask


def test_models__are_those_of_scikit_learn_on_the_same_split() -> None:
    problem = nas_gym.problem("NAS-Moons-v0", size=100)
    logistic, perceptron = retrain_models(problem, seeds=2)
    assert (logistic.name, perceptron.name) == ("LogisticRegression", "MLPClassifier")
    assert not logistic.found and not perceptron.found
    assert isinstance(problem.task, SampleTask)
    data = problem.task.data_of(-1)
    model = LogisticRegression().fit(data.train.features, data.train.labels)
    predicted = model.predict(data.test.features)
    assert logistic.test_scores == (float(np.mean(predicted == data.test.labels)),), (
        "once: it has no random start"
    )
    assert len(perceptron.test_scores) == len(perceptron.validation_scores) == 2
    assert (logistic.certain, perceptron.certain) == (True, False)
    again = retrain_models(problem, seeds=2)
    assert [replace(each, seconds=None) for each in again] == [
        replace(each, seconds=None) for each in (logistic, perceptron)
    ]
    assert all(each.seconds is not None and each.seconds > 0 for each in again)


def test_models__are_judged_by_the_problem_s_metric() -> None:
    for metric, best in (("log_loss", 0.0), ("roc_auc", 1.0), ("balanced_accuracy", 1.0)):
        problem = nas_gym.problem("NAS-Digits-v0", metric=metric)
        _, support_vectors = retrain_models(problem, seeds=1)
        (score,) = support_vectors.test_scores
        assert abs(score - best) < (2.0 if metric == "log_loss" else 0.05), (
            "of classes, if not of probabilities"
        )


def test_models__of_a_problem_without_any_are_none() -> None:
    assert retrain_models(nas_gym.problem("NAS-Brackets-v0"), seeds=2) == []
