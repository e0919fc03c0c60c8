from functools import partial

import pytest
import torch

from nas_gym.datasets.base import Dataset, Split
from nas_gym.datasets.brackets import brackets
from nas_gym.datasets.moons import moons
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.search_spaces.cell.references import lstm_layer
from nas_gym.search_spaces.mlp.network import build
from nas_gym.studies.retraining import Model, Retraining, Schooling, retrain
from nas_gym.tasks.language_modelling.language_model import LanguageModel
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.language_modelling.training import LANGUAGE_MODELLING, perplexity_of
from nas_gym.tasks.supervised.batches import Samples
from nas_gym.tasks.supervised.recipe import TrainingRecipe
from nas_gym.tasks.supervised.training import accuracy_of

DATA = moons(size=100)
NETWORK = MlpSpace().parse("Linear-8 Tanh")
RECIPE = TrainingRecipe(epochs=5)
MODEL = Model(NETWORK, partial(build, NETWORK, feature_shape=(2,), classes=2))
CORPUS = brackets(train_tokens=2000, validation_tokens=300, test_tokens=300)
LANGUAGE_MODEL = Model(
    Architecture("reference", ("LSTM",)), partial(LanguageModel, lstm_layer, len(CORPUS.vocabulary), 8)
)
LANGUAGE = Schooling(CORPUS, LanguageRecipe(epochs=2, units=8), LANGUAGE_MODELLING)


def results(training: Retraining) -> tuple[float | None, float | None]:
    return training.validation, training.test


def test_retrain__reads_validation_and_test_accuracy_of_the_same_weights() -> None:
    found, other = (retrain(MODEL, Schooling(DATA, RECIPE), seed) for seed in (0, 1))
    module = MODEL.build()
    module.load_state_dict(found.weights)
    assert DATA.test is not None
    parts = (Samples.of(part) for part in (DATA.validation, DATA.test))
    assert results(found) == tuple(accuracy_of(module, part) for part in parts)
    assert len(found.losses) == 5 and found.seconds > 0 and found.reason is None
    assert any(not torch.equal(value, other.weights[name]) for name, value in found.weights.items())


def test_retrain__reads_validation_and_test_perplexity_of_language_models() -> None:
    found = retrain(LANGUAGE_MODEL, LANGUAGE, seed=0)
    module = LANGUAGE_MODEL.build()
    module.load_state_dict(found.weights)
    assert CORPUS.test is not None
    assert results(found) == tuple(perplexity_of(module, part) for part in (CORPUS.validation, CORPUS.test))
    assert len(found.losses) == 2 and found.losses[1] < found.losses[0]


@pytest.mark.parametrize(
    ("model", "schooling"), [(MODEL, Schooling(DATA, RECIPE)), (LANGUAGE_MODEL, LANGUAGE)]
)
def test_retrain__repeats_whatever_the_number_of_threads(model: Model, schooling: Schooling) -> None:
    once = retrain(model, schooling, seed=3)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        again = retrain(model, schooling, seed=3)
        assert torch.get_num_threads() == 2, "it gives them back"
    finally:
        torch.set_num_threads(before)
    assert (results(again), again.losses) == (results(once), once.losses)


def test_retrain__does_not_learn_from_test_data() -> None:
    assert DATA.test is not None
    turned = Split(DATA.test.features, 1 - DATA.test.labels)
    other = Dataset("other", DATA.train, DATA.validation, turned, 2, "made up", "none")
    found, opposite = (retrain(MODEL, Schooling(data, RECIPE), seed=0) for data in (DATA, other))
    assert found.test is not None
    assert opposite.validation == found.validation and opposite.test == pytest.approx(1 - found.test)


def test_retrain__says_why_it_failed() -> None:
    diverging = retrain(MODEL, Schooling(DATA, TrainingRecipe(learning_rate=1e38)), seed=0)
    assert diverging.reason == "the weights are not finite after epoch 1"
    assert results(diverging) == (None, None) and not diverging.weights

    def raises() -> torch.nn.Module:
        raise ValueError("no such\nthing")

    failed = retrain(Model(NETWORK, raises), Schooling(DATA, RECIPE), seed=0)
    assert (failed.reason, results(failed)) == ("ValueError: no such", (None, None))


def test_schooling__refuses_what_cannot_be_trained_with() -> None:
    with pytest.raises(InvalidArgumentError, match="came without its test part"):
        Schooling(DATA.without_test(), RECIPE)
    with pytest.raises(InvalidArgumentError, match="device 'abacus' cannot be used here"):
        Schooling(DATA, RECIPE, device="abacus")
    with pytest.raises(InvalidArgumentError, match="augmentation 'flip' needs images"):
        Schooling(DATA, TrainingRecipe(augmentation="flip"))
