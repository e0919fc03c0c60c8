import pickle
from math import prod

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, max_pool2d

from nas_gym.search_spaces import Architecture, ConvSpace
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.conv.network import build, join
from tests.nas_gym.search_spaces.conv_spaces import FIGURE_7, spaces_and_sentences

Shape = tuple[int, int, int]


def built(space: ConvSpace, text: str, shape: Shape, classes: int = 3) -> nn.Module:
    """Build a network and give it weights."""
    module = build(space.parse(text), shape, classes)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.1, 0.1, generator=generator)
    return module


def measured(module: nn.Module, images: Tensor) -> tuple[NetworkSize, Tensor]:
    """Count what a module has and does, for one sample, while it computes."""
    products = []

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        if isinstance(layer, (nn.Conv1d, nn.Conv2d)):
            products.append(output[0].numel() * prod(layer.kernel_size) * layer.in_channels)
        if isinstance(layer, nn.Linear):
            products.append(layer.in_features * layer.out_features)

    for layer in module.modules():
        layer.register_forward_hook(count)
    with torch.no_grad():
        logits = module(images)
    return NetworkSize(sum(p.numel() for p in module.parameters()), sum(products)), logits


@pytest.mark.slow  # a thousand networks are built
@pytest.mark.timeout(120)
@settings(deadline=None, database=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(
    spaces_and_sentences(),
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 5),
)
def test_network__of_every_sentence_computes_and_has_the_size_of_its_description(
    drawn: tuple[ConvSpace, list[str]], shape: Shape, classes: int
) -> None:
    space, names = drawn
    architecture = Architecture(space.id, tuple(names))
    module = built(space, " ".join(names), shape, classes).eval()
    size, logits = measured(module, torch.rand(2, *shape, generator=torch.Generator().manual_seed(1)))
    assert space.size(architecture, shape, classes) == size
    assert logits.shape == (2, classes)
    assert logits.isfinite().all()


@pytest.mark.slow  # 4.2 million weights go forward and back once
@pytest.mark.timeout(60)
def test_figure_7__is_built_with_its_size_and_learns() -> None:
    space = ConvSpace("graph")
    network = space.parse(FIGURE_7)
    module = built(space, FIGURE_7, (3, 32, 32), classes=10)
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    size, _ = measured(module, images)
    assert size.parameters == 4_201_630
    assert space.size(network, (3, 32, 32), 10) == size
    cross_entropy(module(images), torch.tensor([1, 2])).backward()
    gradients = [parameter.grad for parameter in module.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
    assert all(gradient.any() for gradient in gradients if gradient is not None)


def test_chain__has_the_layers_that_its_tokens_name() -> None:
    space = ConvSpace(kernels=(5, 4), filters=(32, 8), pools=(2, 1), dropouts=(0.25, 0))
    module = built(space, "conv5x5-32-pool2-drop0.25 conv4x4-8-pool1-drop0", (1, 9, 5))
    kinds = [nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.Dropout, nn.ZeroPad2d, nn.Conv2d, nn.ReLU]
    assert [type(layer) for layer in module.children()] == [*kinds, nn.Flatten, nn.Linear]
    first, _, _, dropout, _, second, _, _, linear = module.children()
    assert isinstance(first, nn.Conv2d) and isinstance(second, nn.Conv2d)
    assert isinstance(dropout, nn.Dropout) and dropout.p == 0.25
    assert first.bias is not None and second.bias is not None
    assert isinstance(linear, nn.Linear) and linear.in_features == 8 * 5 * 3


def test_chain__of_one_dimension_slides_over_the_pixels_row_by_row() -> None:
    space = ConvSpace(kernels=(3,), filters=(1,), pools=(64, 2), dropouts=(0,), max_layers=2, dimensions=1)
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


def test_even_kernel__has_its_additional_zero_after_the_image() -> None:
    space = ConvSpace("graph", kernel_heights=(1,), kernel_widths=(2,), filters=(1,))
    zeros, convolution, *_ = built(space, "conv1x2-1", (1, 1, 3)).get_submodule("layers.0").children()
    with torch.no_grad():
        convolution.weight[:] = torch.tensor([1.0, 10.0])  # type: ignore[operator]
        assert convolution(zeros(torch.tensor([[[[1.0, 2.0, 3.0]]]]))).tolist() == [[[[21.0, 32.0, 3.0]]]]


def test_graph__concatenates_averages_and_reads_the_image_where_nothing_else_is_named() -> None:
    space = ConvSpace("graph", pools=(2, 3))
    module = built(space, "pool2 pool3 pool2 from-1 from-2", (2, 5, 4), classes=4)
    images = torch.rand(3, 2, 5, 4, generator=torch.Generator().manual_seed(2))
    halves, thirds = (max_pool2d(images, size, ceil_mode=True) for size in (2, 3))
    together = max_pool2d(torch.cat([halves, nn.functional.pad(thirds, (0, 0, 0, 1))], 1), 2, ceil_mode=True)
    linear = module.get_submodule("classifier")
    expected = linear(together.mean(dim=(2, 3)))
    assert torch.equal(module(images), expected)


def test_graph__joins_the_layers_that_nothing_reads() -> None:
    space = ConvSpace("graph", pools=(2, 3))
    module = built(space, "pool2 pool3", (1, 4, 4))
    images = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(2))
    means = [max_pool2d(images, size, ceil_mode=True).mean(dim=(2, 3)) for size in (2, 3)]
    assert torch.equal(module(images), module.get_submodule("classifier")(torch.cat(means, dim=1)))


def test_graph__has_convolutions_without_bias_and_batch_norms() -> None:
    space = ConvSpace("graph", strides=(1, 2))
    module = built(space, "conv3x7-48-stride2x1 conv1x1-24 from-1", (3, 8, 7))
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


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (ConvSpace(), "conv5x5-32-pool2-drop0.25 conv3x3-8-pool3-drop0"),
        (ConvSpace(dimensions=1), "conv5-32-pool2-drop0.25"),
        (ConvSpace("graph"), "conv3x3-36 conv5x5-24 from-1"),
    ],
)
def test_build__leaves_the_global_generator_alone_and_can_be_pickled(space: ConvSpace, text: str) -> None:
    before = torch.get_rng_state()
    module = built(space, text, (1, 8, 8)).eval()
    assert torch.equal(torch.get_rng_state(), before)
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pickle.loads(pickle.dumps(module))(images), module(images))


def test_build__starts_batch_norms_as_pytorch_does() -> None:
    module = build(ConvSpace("graph").parse("conv3x3-36"), (1, 8, 8), 2)
    (norm,) = (layer for layer in module.modules() if isinstance(layer, nn.BatchNorm2d))
    fresh = nn.BatchNorm2d(36).state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in norm.state_dict().items())
