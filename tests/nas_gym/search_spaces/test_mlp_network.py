import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parameters_to_vector

from nas_gym.search_spaces import MlpSpace
from nas_gym.search_spaces.mlp.network import build
from tests.nas_gym.search_spaces.test_mlp_grammar import sentences


@settings(deadline=None, database=None)
@given(sentences(), st.integers(1, 20), st.integers(2, 12))
def test_size__is_that_of_the_module(names: list[str], features: int, classes: int) -> None:
    network = MlpSpace().parse(" ".join(names))
    module = build(network, (features,), classes)
    size = MlpSpace().size(network, (features,), classes)
    biases = sum(layer.out_features for layer in module if isinstance(layer, nn.Linear))
    assert size.parameters == len(parameters_to_vector(module.parameters()))
    assert size.multiply_adds == size.parameters - biases
    assert module(torch.zeros(5, features)).shape == (5, classes)


def test_build__makes_the_layers_that_the_text_names() -> None:
    layers = list(build(MlpSpace().parse("Linear-8 Tanh LeakyReLU Sigmoid Linear-2 ReLU"), (3,), 5))
    kinds = [nn.Linear, nn.Tanh, nn.LeakyReLU, nn.Sigmoid, nn.Linear, nn.ReLU, nn.Linear]
    assert [type(layer) for layer in layers] == kinds
    shapes = [tuple(layer.weight.shape) for layer in layers if isinstance(layer, nn.Linear)]
    assert shapes == [(8, 3), (2, 8), (5, 2)]
    slopes = [layer.negative_slope for layer in layers if isinstance(layer, nn.LeakyReLU)]
    assert slopes == [pytest.approx(0.01)]
