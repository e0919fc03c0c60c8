import torch
from torch import Tensor
from torch.testing import assert_close

from agents.reinforce.nascell import LEAVES, NASCell
from nas_gym.search_spaces.cell.references import nascell_layer

BATCH, STEPS, INPUTS, UNITS = 3, 5, 4, 6


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(shape[-1]), dtype=torch.float64)


def test_nascell__equals_the_interpreter_of_the_published_tokens() -> None:
    """Outputs, end states and all gradients, where both have the same weights."""
    ours, theirs = NASCell(INPUTS, UNITS).double(), nascell_layer(INPUTS, UNITS).double()
    order = [theirs.cell.description.leaf_order.index(leaf) for leaf in LEAVES]

    def ordered(weight: Tensor) -> Tensor:
        return weight.reshape(8, UNITS, -1)[order].reshape(weight.shape)

    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(drawn(*parameter.shape))
        ours.input_map.weight.copy_(ordered(theirs.cell.input_map.weight))
        ours.state_map.weight.copy_(ordered(theirs.cell.state_map.weight))
    given = [drawn(*shape).requires_grad_() for shape in ((BATCH, STEPS, INPUTS), *[(BATCH, UNITS)] * 2)]
    inputs, hidden, cell = given
    outputs, state = ours(inputs, (hidden, cell))
    right, right_state = theirs(inputs.transpose(0, 1), (hidden, cell))
    found, expected = (outputs, *state), (right.transpose(0, 1), *right_state)
    assert_close(found, expected, rtol=1e-6, atol=1e-9)
    weights = [drawn(*value.shape) for value in found]
    gradients = [
        torch.autograd.grad(values, [*given, *module.parameters()], weights)
        for module, values in ((ours, found), (theirs, expected))
    ]
    assert_close(gradients[0][:3], gradients[1][:3], rtol=1e-6, atol=1e-9)
    assert_close(gradients[0][3:], tuple(map(ordered, gradients[1][3:])), rtol=1e-6, atol=1e-9)


def test_nascell__starts_from_zeros() -> None:
    cell, inputs = NASCell(INPUTS, UNITS), torch.ones(BATCH, STEPS, INPUTS)
    nothing = torch.zeros(BATCH, UNITS)
    assert_close(cell(inputs), cell(inputs, (nothing, nothing)), rtol=0, atol=0)
