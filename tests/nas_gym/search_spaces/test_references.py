from collections.abc import Callable

import pytest
import torch
from torch import nn

from nas_gym.search_spaces.chain.references import two_layers
from nas_gym.search_spaces.references import resnet8
from nas_gym.tasks.initialisation import initialise
from nas_gym.tasks.module_size import module_size

Make = Callable[[tuple[int, ...], int], nn.Module]


@pytest.mark.parametrize(
    ("make", "shape", "parameters"),
    [
        # 5*5*32 + 32, 5*5*32*64 + 64, and 7*7*64*10 + 10 of the linear layer.
        (two_layers, (1, 28, 28), 832 + 51_264 + 31_370),
        # As in the paper, with 2,688 of the two shortcuts: its 8 layers have 75,354.
        (resnet8, (3, 32, 32), 75_354 + 2_688),
    ],
)
def test_reference__has_the_size_of_its_description_and_learns(
    make: Make, shape: tuple[int, ...], parameters: int
) -> None:
    before = torch.get_rng_state()
    module = make(shape, 10)
    assert torch.equal(torch.get_rng_state(), before), "the global generator is left alone"
    assert module_size(module, shape).parameters == parameters
    initialise(module, torch.Generator().manual_seed(0))
    module.train()
    logits = module(torch.rand(2, *shape, generator=torch.Generator().manual_seed(1)))
    assert logits.shape == (2, 10)
    logits.sum().backward()
    gradients = [p.grad for p in module.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def test_resnet8__halves_the_extent_twice_and_adds_shortcuts() -> None:
    extents = []
    module = resnet8((3, 32, 32), 10)
    for stage in module.children():
        stage.register_forward_hook(lambda _, __, output: extents.append(tuple(output.shape[1:])))
    assert module_size(module, (3, 32, 32)).multiply_adds > 0
    stages = [extents[index] for index in (2, 3, 4, 5, 6)]
    assert stages == [(16, 32, 32), (16, 32, 32), (32, 16, 16), (64, 8, 8), (64, 1, 1)]
