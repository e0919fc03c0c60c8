import torch
from torch import nn

from nas_gym.search_spaces import ChainSpace
from tests.nas_gym.search_spaces.convolutional_spaces import built


def test_network__has_the_layers_that_its_tokens_name() -> None:
    space = ChainSpace(kernels=(5, 4), filters=(32, 8), pools=(2, 1), dropouts=(0.25, 0))
    module = built(space, "conv5x5-32-pool2-drop0.25 conv4x4-8-pool1-drop0", (1, 9, 5))
    kinds = [nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Dropout, nn.ZeroPad2d, nn.Conv2d, nn.ReLU]
    assert [type(layer) for layer in module.children()] == [*kinds, nn.Flatten, nn.Linear]
    first, _, _, dropout, _, second, _, _, linear = module.children()
    assert isinstance(first, nn.Conv2d) and isinstance(second, nn.Conv2d)
    assert isinstance(dropout, nn.Dropout) and dropout.p == 0.25
    assert first.bias is not None and second.bias is not None
    assert isinstance(linear, nn.Linear) and linear.in_features == 8 * 5 * 3


def test_network__of_one_dimension_slides_over_the_pixels_row_by_row() -> None:
    space = ChainSpace(kernels=(3,), filters=(1,), pools=(64, 2), dropouts=(0,), max_layers=2, dimensions=1)
    module = built(space, "conv3-1-pool2-drop0", (1, 2, 3), classes=1)
    _, convolution, _, pool, _, linear = module.children()
    assert isinstance(convolution, nn.Conv1d) and isinstance(linear, nn.Linear)
    assert isinstance(pool, nn.MaxPool1d) and pool.stride == 1
    with torch.no_grad():
        convolution.weight[:] = torch.tensor([[[1.0, 0.0, 0.0]]])
        convolution.bias[:] = 0.0  # type: ignore[index]
        linear.weight[:] = torch.tensor([[1.0, 10.0, 100.0, 1000.0, 10_000.0]])
        linear.bias[:] = 0.0
        # Shifted by one to the right: 0 9 2 3 4 5; the larger of neighbours: 9 9 3 4 5.
        images = torch.tensor([[[[9.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]])
        assert module(images).item() == 54_399
    shortest = built(space, "conv3-1-pool64-drop0 conv3-1-pool64-drop0", (1, 2, 3))
    assert shortest(torch.zeros(2, 1, 2, 3)).shape == (2, 3)
