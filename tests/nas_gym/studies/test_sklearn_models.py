from dataclasses import replace

import numpy as np
from sklearn.linear_model import LogisticRegression

from nas_gym.datasets.moons import moons
from nas_gym.studies.retraining import retrain_estimators

DATA = moons(size=100)
MODELS = ("sklearn.linear_model:LogisticRegression", "sklearn.neural_network:MLPClassifier")


def test_estimators__are_those_of_scikit_learn_on_the_same_split() -> None:
    logistic, perceptron = retrain_estimators(DATA, MODELS, seeds=2)
    assert (logistic.name, perceptron.name) == ("LogisticRegression", "MLPClassifier")
    assert not logistic.found and not perceptron.found
    assert DATA.test is not None
    model = LogisticRegression().fit(DATA.train.features, DATA.train.labels)
    predicted = model.predict(DATA.test.features)
    assert logistic.test_results == (float(np.mean(predicted == DATA.test.labels)),), (
        "once: it has no random start"
    )
    assert len(perceptron.test_results) == len(perceptron.validation_results) == 2
    assert (logistic.certain, perceptron.certain) == (True, False)
    again = retrain_estimators(DATA, MODELS, seeds=2)
    assert [replace(each, seconds=None) for each in again] == [
        replace(each, seconds=None) for each in (logistic, perceptron)
    ]
    assert all(each.seconds is not None and each.seconds > 0 for each in again)
