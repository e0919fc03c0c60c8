"""Networks of ``cell-v0``: a description to a ``torch.nn.Module``; no loss, no optimizer."""

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from nas_gym.search_spaces.cell.description import CellDescription, Operation
from nas_gym.search_spaces.cell.sequence import CompiledSequence, can_be_compiled, program_of

State = tuple[Tensor, Tensor]
"""h and c, each ``(batch, units)``."""


class Projection(nn.Linear):
    """A linear layer that draws no weights, also where it has none: a cell need not read h_{t-1}."""

    def reset_parameters(self) -> None:
        """Leave them to ``initialise``."""


class Cell(nn.Module):
    """One step of a recurrent cell, in PyTorch's own operations; its parameters are not yet initialised.

    The rows of both weights, and of the bias, are those of the first leaf, then of the second and so on, each
    ``units`` of them; but leaves that add come before those that multiply, and last those that read x_t
    alone (``CellDescription.leaf_order``), of which ``state_map`` has no rows.

    Args:
        description: How h_t and c_t are computed.
        inputs: Number of features of x_t.
        units: Number of values of h_t and of c_t.
        bias: Whether each leaf adds a bias to its projection of x_t; the paper's cells have none.
    """

    def __init__(self, description: CellDescription, inputs: int, units: int, bias: bool = False) -> None:
        super().__init__()
        self.description = description
        self.units = units
        self.input_map = Projection(inputs, len(description.leaves) * units, bias=bias)
        self.state_map = Projection(units, description.reading_state * units, bias=False)

    def step(self, projections: Tensor, state: Tensor, cell: Tensor) -> State:
        """Return h_t and c_t.

        Args:
            projections: Those of x_t, ``(batch, leaves * units)``.
            state: h_{t-1}, as it shall be projected.
            cell: c_{t-1}.
        """
        description = self.description
        order, reading = description.leaf_order, description.reading_state
        of_input = dict(zip(order, projections.split(self.units, dim=1), strict=True))
        recurrent = self.state_map(state).split(self.units, dim=1) if reading else ()
        of_state = dict(zip(order[:reading], recurrent, strict=True))
        values: list[Tensor] = []
        next_cell = cell
        for number, operation in enumerate(description.operations):
            if number < len(description.leaves):
                left, right = of_input[number], of_state.get(number, state)
            else:
                step = description.steps[number - len(description.leaves)]
                left, right = values[step.left], cell if step.right < 0 else values[step.right]
            match operation.combination:
                case "add":
                    combined = left + right
                case "elem_mult":
                    combined = left * right
                case "left":
                    combined = left
                case _:  # a gate
                    combined = cell + left * (right - cell)
            if number == description.read:
                next_cell = combined
            values.append(_activated(operation, combined))
        return values[-1], next_cell


class CellLayer(nn.Module):
    """A cell that reads a whole sequence; its parameters are not yet initialised.

    The inputs' projections are one matrix product for all time steps. For float32 on the CPU each step is
    one more matrix product and one call of a compiled kernel, which serves every cell; else the steps are
    those of ``Cell``. Both compute the same, but for rounding.

    Args:
        description: How h_t and c_t are computed.
        inputs: Number of features of each time step.
        units: Number of values of h_t and of c_t.
        bias: Whether each leaf adds a bias to its projection of x_t; the paper's cells have none.
    """

    def __init__(self, description: CellDescription, inputs: int, units: int, bias: bool = False) -> None:
        super().__init__()
        self.cell = Cell(description, inputs, units, bias)
        self.units = units
        self._program = program_of(description)

    def start(self, batch: int) -> State:
        """Return the state before the first time step: zeros."""
        weight = self.cell.state_map.weight
        return weight.new_zeros(batch, self.units), weight.new_zeros(batch, self.units)

    def forward(
        self,
        inputs: Tensor,
        state: State | None = None,
        state_mask: Tensor | None = None,
        tokens: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """Return h of all time steps, ``(time, batch, units)``, and the state after the last.

        Args:
            inputs: Shape ``(time, batch, inputs)``, at least one time step; or with ``tokens`` what stands
                for each of them, ``(vocabulary, inputs)``.
            state: h and c before the first time step, by default ``start``.
            state_mask: What h_{t-1} is multiplied with before its projection, ``(batch, units)``, the same
                at all time steps: variational dropout (Gal & Ghahramani 2016, https://arxiv.org/abs/1512.05287).
                No gradient is computed for it. Outputs, and the state that is returned, are not masked.
            tokens: Which of ``inputs`` each time step reads, int64, ``(time, batch)``. So what a token
                stands for is projected once, however often the token occurs.
        """
        batch = (inputs if tokens is None else tokens).shape[1]
        hidden, cell = self.start(batch) if state is None else state
        projections, weight = self.cell.input_map(inputs), self.cell.state_map.weight
        if can_be_compiled(projections, weight, hidden, cell):
            mask = torch.ones_like(hidden) if state_mask is None else state_mask.detach().to(hidden)
            keep = torch.is_grad_enabled()
            now = (projections, tokens, weight, hidden, cell, mask, self._program, keep)
            outputs, cell = CompiledSequence.apply(*now)
            return outputs, (outputs[-1], cell)
        steps = []
        for step in projections if tokens is None else embedding(tokens, projections):
            masked = hidden if state_mask is None else hidden * state_mask
            hidden, cell = self.cell.step(step, masked, cell)
            steps.append(hidden)
        return torch.stack(steps), (hidden, cell)


def _activated(operation: Operation, values: Tensor) -> Tensor:
    match operation.activation:
        case "tanh":
            return values.tanh()
        case "sigmoid":
            return values.sigmoid()
        case "relu":
            return values.relu()
    return values
