"""Cells that several tests use."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from nas_gym.search_spaces.cell.network import CellLayer

ModuleT = TypeVar("ModuleT", bound=nn.Module)
FIGURE_5 = "add:tanh elem_mult:relu elem_mult:sigmoid add:relu node-1 node-0"
"""The worked example of base 2 in Zoph & Le 2016, Figure 5."""

LSTM_SENTENCE = (
    "add:identity add:identity add:sigmoid add:tanh add:identity add:identity add:identity add:identity "
    "add:sigmoid elem_mult:identity add:identity add:identity add:tanh add:sigmoid elem_mult:identity "
    "elem_mult:identity node-12 node-8"
)
"""An LSTM without a bias, in base 8."""

GRU_SENTENCE = (
    "add:identity add:identity add:identity add:identity add:sigmoid add:identity left:identity "
    "add:identity left:identity add:identity elem_mult:identity left:identity left:sigmoid add:tanh "
    "gate:identity left:identity node-14 node-14"
)
"""A gated recurrent unit, in base 8; what its reset gate multiplies reads x_t, too."""

NESTED_GATES = (
    "add:sigmoid elem_mult:relu add:tanh add:identity gate:relu elem_mult:relu gate:tanh "
    "elem_mult:identity node-5 node-0"
)
"""Two gates in base 4; neither share is called a sigmoid by its token."""

UNREAD_BY_H = (
    "add:identity elem_mult:relu add:tanh left:sigmoid gate:tanh elem_mult:relu left:identity "
    "left:identity node-5 node-6"
)
"""In base 4."""

Equations = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor], tuple[Tensor, Tensor]]
"""From the leaves' projections of x_t, those of h_{t-1}, and c_{t-1}, to h_t and c_t."""


def draw_weights(module: ModuleT, scale: float = 0.5, seed: int = 0) -> ModuleT:
    """Give all parameters values within plus and minus ``scale``, in the same order for equal modules."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-scale, scale, generator=generator)
    return module


def unrolled(
    layer: CellLayer, equations: Equations, inputs: Tensor, state: Tensor, cell: Tensor
) -> tuple[Tensor, Tensor]:
    """Compute a layer's outputs and last c by equations written elsewhere."""
    leaves = layer.cell.description.leaves
    places = [("add", "elem_mult", "left").index(leaf.combination) for leaf in leaves]
    rows = sorted(range(len(leaves)), key=places.__getitem__)
    outputs = []
    for x in inputs:
        projections = (layer.cell.input_map(x), layer.cell.state_map(state))
        by_row = (p.split(layer.units, dim=1) for p in projections)
        of_leaf = (dict(zip(rows, parts, strict=False)) for parts in by_row)  # some read x_t alone
        from_inputs, from_state = ([parts.get(k, x) for k in range(len(leaves))] for parts in of_leaf)
        state, cell = equations(from_inputs, from_state, cell)
        outputs.append(state)
    return torch.stack(outputs), cell


def nascell(x: Sequence[Tensor], m: Sequence[Tensor], c: Tensor) -> tuple[Tensor, Tensor]:
    """The published equations of NASCell."""
    left = torch.tanh(torch.sigmoid(x[0] + m[0]) * torch.relu(x[1] + m[1]))
    beside = torch.tanh(torch.sigmoid(x[2] + m[2]) + torch.relu(x[3] * m[3]))
    third = torch.tanh(torch.tanh(x[4] + m[4]) * torch.sigmoid(x[5] + m[5]))
    fourth = torch.sigmoid(torch.tanh(x[6] + m[6]) + torch.sigmoid(x[7] + m[7]))
    memory = torch.tanh(left + c) * beside
    return torch.tanh(memory * torch.tanh(third + fourth)), memory


def figure_5(x: Sequence[Tensor], m: Sequence[Tensor], c: Tensor) -> tuple[Tensor, Tensor]:
    """The equations below Figure 5."""
    memory = x[1] * m[1]
    injected = torch.relu(torch.tanh(x[0] + m[0]) + c)
    return torch.sigmoid(injected * torch.relu(memory)), memory


def gated(x: Sequence[Tensor], m: Sequence[Tensor], c: Tensor) -> tuple[Tensor, Tensor]:
    """What ``GRU_SENTENCE`` means: four leaves are left."""
    share, reset = torch.sigmoid(x[0] + m[0]), torch.sigmoid(x[1] + m[1])
    hidden = share * torch.tanh(reset * (x[2] + m[2]) + x[3]) + (1 - share) * c
    return hidden, hidden


def unread(x: Sequence[Tensor], m: Sequence[Tensor], c: Tensor) -> tuple[Tensor, Tensor]:
    """What ``UNREAD_BY_H`` means: c_t is a value that h_t does not depend on."""
    share = torch.sigmoid(x[0] + m[0])
    hidden = torch.tanh(share * torch.relu(x[1] * m[1]) + (1 - share) * c)
    return hidden, torch.tanh(x[2] + m[2]) * torch.sigmoid(x[3])


def nested(x: Sequence[Tensor], m: Sequence[Tensor], c: Tensor) -> tuple[Tensor, Tensor]:
    """What ``NESTED_GATES`` means: a share of a gate's own, and one that c is injected into."""
    first = torch.sigmoid(torch.sigmoid(x[0] + m[0]) * c)
    share = torch.sigmoid(first * torch.relu(x[1] * m[1]) + (1 - first) * c)
    memory = torch.tanh(x[2] + m[2]) * (x[3] + m[3])
    return torch.tanh(share * torch.relu(memory) + (1 - share) * c), memory


def root(x: Sequence[Tensor], m: Sequence[Tensor], c: Tensor) -> tuple[Tensor, Tensor]:
    """What ``add:tanh add:relu add:sigmoid elem_mult:tanh node-2 node-2`` means."""
    memory = torch.tanh(x[0] + m[0]) + torch.relu(x[1] + m[1])
    return torch.tanh(torch.sigmoid(memory) * c), memory
