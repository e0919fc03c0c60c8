"""Hand-designed and published cells, which found ones are held against; parameters not yet initialised."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding
from torch.nn.utils import skip_init

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.cell.description import CELL_STATE, CellDescription, Operation, Step, describe
from nas_gym.search_spaces.cell.network import CellLayer, State

NASCELL = Architecture(
    "cell-v0",
    (
        *("add:sigmoid", "add:relu", "add:sigmoid", "elem_mult:relu"),
        *("add:tanh", "add:sigmoid", "add:tanh", "add:sigmoid"),
        *("elem_mult:tanh", "add:tanh", "elem_mult:tanh", "add:sigmoid"),
        *("elem_mult:identity", "add:tanh", "elem_mult:tanh"),
        *("add:tanh", "node-12", "node-8"),
    ),
)
"""The best cell that Zoph & Le found for language modelling, https://arxiv.org/abs/1611.01578."""

LSTM = CellDescription(
    leaves=tuple(Operation("add", name) for name in ("sigmoid", "sigmoid", "tanh", "sigmoid")),
    steps=(
        Step(Operation("elem_mult", "identity"), 0, 2),  # input gate times candidate
        Step(Operation("elem_mult", "identity"), 1, CELL_STATE),  # forget gate times memory
        Step(Operation("add", "tanh"), 4, 5),
        Step(Operation("elem_mult", "identity"), 3, 6),  # times output gate
    ),
    read=6,
)
"""Hochreiter & Schmidhuber 1997 with forget gates; the leaves are in the order of ``torch.nn.LSTM``."""


def nascell_layer(inputs: int, units: int) -> CellLayer:
    """Build the published cell, without bias and projection: ``8 * units * (inputs + units)`` parameters."""
    return CellLayer(describe(NASCELL.tokens), inputs, units)


def lstm_layer(inputs: int, units: int) -> CellLayer:
    """Build an LSTM with one bias a gate: ``4 * units * (inputs + units + 1)`` parameters."""
    return CellLayer(LSTM, inputs, units, bias=True)


class GruLayer(nn.Module):
    """A gated recurrent unit with the interface of ``CellLayer``; of the state, c is not used.

    Paper: Cho et al. 2014, https://arxiv.org/abs/1406.1078, in the form of ``torch.nn.GRU``, where the reset
    gate multiplies the projection of h_{t-1} and that has a bias of its own. It is no tree, because gates
    and h_{t-1} are read twice; so PyTorch computes it.

    Args:
        inputs: Number of features of each time step.
        units: Number of values of h_t.
    """

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.input_map = skip_init(nn.Linear, inputs, 3 * units)
        self.state_map = skip_init(nn.Linear, units, 3 * units)

    def start(self, batch: int) -> State:
        """Return the state before the first time step: zeros."""
        weight = self.state_map.weight
        return weight.new_zeros(batch, self.units), weight.new_zeros(batch, self.units)

    def forward(
        self,
        inputs: Tensor,
        state: State | None = None,
        state_mask: Tensor | None = None,
        tokens: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Return h of all time steps and the last state; arguments as in ``CellLayer``.

        With a mask there is a loop over time steps, which takes longer: PyTorch's function has none.
        """
        inputs = inputs if tokens is None else embedding(tokens, inputs)
        hidden, cell = self.start(inputs.shape[1]) if state is None else state
        if state_mask is None:
            maps = (self.input_map, self.state_map)
            weights = [*(m.weight for m in maps), *(m.bias for m in maps)]
            arguments = (weights, True, 1, 0.0, self.training, False, False)
            outputs, last = torch.gru(inputs, hidden[None], *arguments)
            return outputs, (last[0], cell)
        steps = []
        for projections in self.input_map(inputs):
            from_inputs = projections.split(self.units, dim=1)
            from_state = self.state_map(hidden * state_mask).split(self.units, dim=1)
            reset, update = ((a + b).sigmoid() for a, b in zip(from_inputs[:2], from_state[:2], strict=True))
            candidate = (from_inputs[2] + reset * from_state[2]).tanh()
            hidden = candidate + update * (hidden - candidate)
            steps.append(hidden)
        return torch.stack(steps), (hidden, cell)


@dataclass(frozen=True, slots=True)
class ReferenceCell:
    """A published cell as a layer that reads as many inputs as it has units.

    Attributes:
        make_layer: Builds it from inputs and units.
        leaves: So many times each unit reads all inputs and all units.
        biases_per_unit: Number of biases of each unit.
    """

    make_layer: Callable[[int, int], nn.Module]
    leaves: int
    biases_per_unit: int

    def parameters(self, units: int) -> int:
        """Count its weights and biases."""
        return 2 * self.leaves * units * units + self.biases(units)

    def biases(self, units: int) -> int:
        """Count its biases."""
        return self.biases_per_unit * units


LSTM_CELL = ReferenceCell(lstm_layer, leaves=4, biases_per_unit=4)
GRU_CELL = ReferenceCell(GruLayer, leaves=3, biases_per_unit=6)
NASCELL_CELL = ReferenceCell(nascell_layer, leaves=8, biases_per_unit=0)
