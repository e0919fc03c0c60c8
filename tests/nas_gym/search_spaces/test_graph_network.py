import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy, max_pool2d

from nas_gym.search_spaces import GraphSpace
from nas_gym.search_spaces.graph.network import join
from nas_gym.tasks.module_size import module_size
from tests.nas_gym.search_spaces.convolutional_spaces import FIGURE_7, built


@pytest.mark.slow  # 4.2 million weights go forward and back once
@pytest.mark.timeout(60)
def test_figure_7__is_built_with_its_size_and_learns() -> None:
    space = GraphSpace()
    network = space.parse(FIGURE_7)
    module = built(space, FIGURE_7, (3, 32, 32), classes=10)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert space.size(network, (3, 32, 32), 10) == module_size(module, (3, 32, 32))
    assert sum(parameter.numel() for parameter in module.parameters()) == 4_201_630
    cross_entropy(module(images), torch.tensor([1, 2])).backward()
    gradients = [parameter.grad for parameter in module.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
    assert all(gradient.any() for gradient in gradients if gradient is not None)


def test_network__concatenates_averages_and_reads_the_image_where_nothing_else_is_named() -> None:
    space = GraphSpace(pools=(2, 3))
    module = built(space, "pool-2 pool-3 ignore pool-2 read read", (2, 5, 4), classes=4)
    images = torch.rand(3, 2, 5, 4, generator=torch.Generator().manual_seed(2))
    halves, thirds = (max_pool2d(images, size, ceil_mode=True) for size in (2, 3))
    together = max_pool2d(torch.cat([halves, nn.functional.pad(thirds, (0, 0, 0, 1))], 1), 2, ceil_mode=True)
    linear = module.get_submodule("classifier")
    expected = linear(together.mean(dim=(2, 3)))
    assert torch.equal(module(images), expected)


def test_network__joins_the_layers_that_nothing_reads() -> None:
    space = GraphSpace(pools=(2, 3))
    module = built(space, "pool-2 pool-3 ignore", (1, 4, 4))
    images = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(2))
    means = [max_pool2d(images, size, ceil_mode=True).mean(dim=(2, 3)) for size in (2, 3)]
    assert torch.equal(module(images), module.get_submodule("classifier")(torch.cat(means, dim=1)))


def test_network__has_convolutions_without_bias_and_batch_norms() -> None:
    space = GraphSpace(strides=(1, 2))
    text = "height-3 width-7 stride_height-2 stride_width-1 filters-48"
    text += " height-1 width-1 stride_height-1 stride_width-1 filters-24 read"
    module = built(space, text, (3, 8, 7))
    kinds = [type(layer) for layer in module.modules() if not list(layer.children())]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 2 + [nn.Linear]
    assert all(layer.bias is None for layer in module.modules() if isinstance(layer, nn.Conv2d))
    first = module.get_submodule("layers.0")
    assert first(torch.zeros(2, 3, 8, 7)).shape == (2, 48, 4, 7)


def test_join__puts_smaller_maps_in_the_middle_of_zeros() -> None:
    small, wide = torch.ones(1, 1, 1, 2), torch.full((1, 2, 4, 3), 2.0)
    maps = join([small, wide])
    assert maps.shape == (1, 3, 4, 3)
    assert maps[0, 0].tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert torch.equal(maps[:, 1:], wide)
    assert join([small]) is small


def test_build__starts_batch_norms_as_pytorch_does() -> None:
    module = GraphSpace().build(GraphSpace().parse("height-3 width-3 filters-36"), (1, 8, 8), 2)
    (norm,) = (layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d))
    fresh = nn.BatchNorm2d(36).state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in norm.state_dict().items())
