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
        keep: Whether ``backward`` may follow; if not, less is kept.

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
        shape = (batch, width // units, units)
        projections, mask = projections.contiguous(), mask.contiguous()
        # Without backward, all steps overwrite the recurrent projections of the one before.
        recurrent = torch.empty(time if keep else 1, batch, width)
        outputs = torch.empty(time, batch, units)
        states, cells = torch.empty(time + 1, batch, units), torch.empty(time + 1, batch, units)
        torch.mul(state, mask, out=states[0])
        cells[0] = cell
        transposed, factors = weight.t(), mask.numpy()
        x, m = projections.view(-1, *shape).numpy(), recurrent.view(-1, *shape).numpy()
        c, h, s = cells.numpy(), outputs.numpy(), states.numpy()
        targets = recurrent.unbind() * (1 if keep else time)
        for t, (masked, target) in enumerate(zip(states.unbind(), targets, strict=False)):
            torch.mm(masked, transposed, out=target)
            now = m[t if keep else 0]
            kernel.forward(table, read, x[t], now, c[t], factors, c[t + 1], h[t], s[t + 1])
        if keep:
            ctx.program, ctx.made = program, (recurrent, states, cells)
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
        recurrent, states, cells = ctx.made
        table, read = ctx.program
        time, batch, width = projections.shape
        units = weight.shape[1]
        shape = (batch, width // units, units)
        from_inputs, from_recurrent = torch.empty_like(projections), torch.empty_like(projections)
        from_state, from_cells = torch.zeros(batch, units), torch.zeros_like(cells)
        from_cells[time] = end_gradient
        x, m, dx, dm = (
            tensor.view(-1, *shape).numpy()
            for tensor in (projections, recurrent, from_inputs, from_recurrent)
        )
        c, dc, ds, dh = (
            tensor.numpy() for tensor in (cells, from_cells, from_state, output_gradients.contiguous())
        )
        factors, steps = mask.numpy(), from_recurrent.unbind()
        for t in range(time - 1, -1, -1):
            now = (x[t], m[t], c[t], factors, dh[t], ds, dc[t + 1], dx[t], dm[t], dc[t])
            kernel.backward(table, read, *now)
            torch.mm(steps[t], weight, out=from_state)
        from_weight = None
        if ctx.needs_input_grad[1]:
            from_weight = from_recurrent.view(-1, width).t() @ states[:time].view(-1, units)
        return from_inputs, from_weight, from_state * mask, from_cells[0], None, None, None
