"""A cell over all time steps of a sequence, inside one function that PyTorch can differentiate."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from nas_gym.search_spaces.cell import kernel
from nas_gym.search_spaces.cell.description import ACTIVATIONS, COMBINATIONS, CellDescription

Program = tuple[NDArray[np.int64], int]
"""A cell as the kernel reads it: its steps, and the number of the one that gives c_t."""


def program_of(description: CellDescription) -> Program:
    """Return a cell as the kernel reads it."""
    operands = [(0, 0)] * len(description.leaves) + [(step.left, step.right) for step in description.steps]
    rows = [
        (COMBINATIONS.index(operation.combination), ACTIVATIONS.index(operation.activation), *pair)
        for operation, pair in zip(description.operations, operands, strict=True)
    ]
    return np.array(rows, dtype=np.int64), description.read


def can_be_compiled(*tensors: Tensor) -> bool:
    """Say whether the kernel takes these: float32 on the CPU."""
    return all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)


class CompiledSequence(torch.autograd.Function):
    """All time steps of a cell: one matrix product and one call of the kernel for each.

    ``apply`` takes, in this order:
        projections: Those of the inputs, ``(time, batch, leaves * units)``.
        weight: Of the recurrent projections, ``(leaves * units, units)``.
        state: h_0, ``(batch, units)``.
        cell: c_0, ``(batch, units)``.
        mask: Factors of h_{t-1} before its projection, ``(batch, units)``; no gradient is computed.
        program: From ``program_of``.
        keep: Whether ``backward`` will follow; if not, no step's values are kept.

    It returns h_1, h_2, ... as ``(time, batch, units)``, and the last c, ``(batch, units)``.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        projections: Tensor,
        weight: Tensor,
        state: Tensor,
        cell: Tensor,
        mask: Tensor,
        program: Program,
        keep: bool,
    ) -> tuple[Tensor, Tensor]:
        """Compute all steps."""
        table, read = program
        time, batch, width = projections.shape
        units = weight.shape[1]
        leaves = width // units
        projections, mask = projections.contiguous(), mask.contiguous()
        kept = time if keep else 1
        values = torch.empty(kept, batch, len(table), units)
        recurrent = torch.empty(kept, batch, width)
        outputs = torch.empty(time, batch, units)
        states, cells = torch.empty(time + 1, batch, units), torch.empty(time + 1, batch, units)
        torch.mul(state, mask, out=states[0])
        cells[0] = cell
        transposed = weight.t()
        arrays = (
            projections.view(time, batch, leaves, units).numpy(),
            recurrent.view(kept, batch, leaves, units).numpy(),
            *(tensor.numpy() for tensor in (cells, mask, values, outputs, states)),
        )
        x, m, c, factors, v, h, s = arrays
        for t in range(time):
            slot = t if keep else 0
            torch.mm(states[t], transposed, out=recurrent[slot])
            kernel.forward(table, read, x[t], m[slot], c[t], factors, v[slot], c[t + 1], h[t], s[t + 1])
        if keep:
            ctx.program, ctx.made = program, (recurrent, states, cells, values)
            ctx.save_for_backward(projections, weight, mask)
        return outputs, cells[time].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any,  # noqa: ANN401
        output_gradients: Tensor,
        end_gradient: Tensor,
    ) -> tuple[Tensor | None, ...]:
        """Send the gradients of outputs and last c back through all steps."""
        projections, weight, mask = ctx.saved_tensors
        recurrent, states, cells, values = ctx.made
        table, read = ctx.program
        time, batch, width = projections.shape
        units = weight.shape[1]
        leaves = width // units
        shape = (time, batch, leaves, units)
        from_inputs, from_recurrent = torch.empty_like(projections), torch.empty_like(projections)
        from_cells = torch.zeros_like(cells)
        from_cells[time] = end_gradient
        from_state = torch.zeros(batch, units)
        total = torch.empty(batch, units)
        x, m, dx, dm = (
            tensor.view(shape).numpy() for tensor in (projections, recurrent, from_inputs, from_recurrent)
        )
        c, v, dc, dh = (tensor.numpy() for tensor in (cells, values, from_cells, total))
        for t in range(time - 1, -1, -1):
            torch.addcmul(output_gradients[t], from_state, mask, out=total)
            kernel.backward(table, read, x[t], m[t], c[t], v[t], dh, dc[t + 1], dx[t], dm[t], dc[t])
            torch.mm(from_recurrent[t], weight, out=from_state)
        from_weight = None
        if ctx.needs_input_grad[1]:
            from_weight = from_recurrent.view(-1, width).t() @ states[:time].view(-1, units)
        return from_inputs, from_weight, from_state * mask, from_cells[0], None, None, None
