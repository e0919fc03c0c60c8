"""A cell over all time steps of a sequence, inside one function that PyTorch can differentiate."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from nas_gym.search_spaces.cell import kernel
from nas_gym.search_spaces.cell.description import (
    ACTIVATIONS,
    COMBINATIONS,
    CellDescription,
    Operation,
    Step,
)


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A cell as the kernel reads it.

    Attributes:
        table: Its steps, int64 ``(steps, 4)``: see the kernel.
        read: Number of the step whose value before activation is c_t.
        adding: How many leaves add their projections; they are the first steps.
    """

    table: NDArray[np.int64]
    read: int
    adding: int


def program_of(description: CellDescription) -> Program:
    """Return a cell as the kernel reads it, with its leaves in ``leaf_order``."""
    order = description.leaf_order
    number_of = {leaf: position for position, leaf in enumerate(order)}
    rows = [(description.leaves[leaf], 0, 0) for leaf in order]
    for step in description.steps:
        left, right = (number_of.get(operand, operand) for operand in (step.left, step.right))
        rows.append((step.operation, left, right))
    table = [
        (COMBINATIONS.index(operation.combination), ACTIVATIONS.index(operation.activation), left, right)
        for operation, left, right in rows
    ]
    read = number_of.get(description.read, description.read)
    adding = sum(operation.combination == "add" for operation in description.leaves)
    return Program(np.array(table, dtype=np.int64), read, adding)


def can_be_compiled(*tensors: Tensor) -> bool:
    """Say whether the kernel takes these: float32 on the CPU."""
    return all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)


def compile_cells() -> None:
    """Compile the kernel, or read it from Numba's cache: what the first step of a first cell waits for."""
    leaf = Operation("add", "identity")
    program = program_of(CellDescription((leaf, leaf), (Step(leaf, 0, 1),), read=2))
    weight = torch.ones(2, 1, requires_grad=True)
    one = torch.ones(1, 1)
    outputs, _ = CompiledSequence.apply(torch.ones(1, 1, 2), None, weight, one, one, one, program, True)
    outputs.sum().backward()


class CompiledSequence(torch.autograd.Function):
    """All time steps of a cell, from projections of inputs to outputs.

    Each step is a matrix product, which projects the state for all leaves, and a call of the kernel.

    ``apply`` takes, in this order:
        projections: Of x_1, x_2, ..., ``(time, batch, leaves * units)``, leaves in ``leaf_order``; or of
            inputs that may be read more than once, ``(inputs, leaves * units)``.
        rows: Which of the latter are x_1, x_2, ..., integers, ``(time, batch)``; ``None`` for the former.
        weight: Of the states' projections, ``(leaves that read them * units, units)``.
        state: h_0, ``(batch, units)``.
        cell: c_0, ``(batch, units)``.
        mask: Factors of h_{t-1} before its projection, ``(batch, units)``; no gradient is computed.
        program: From ``program_of``.
        keep: Whether ``backward`` may follow; if not, less is kept.

    It returns h_1, h_2, ... as ``(time, batch, units)``, and the last c, ``(batch, units)``.

    Raises:
        IndexError: If there is no such row.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        projections: Tensor,
        rows: Tensor | None,
        weight: Tensor,
        state: Tensor,
        cell: Tensor,
        mask: Tensor,
        program: Program,
        keep: bool,
    ) -> tuple[Tensor, Tensor]:
        """Compute all steps."""
        shape, (width, units) = projections.shape, weight.shape
        projections, mask = projections.reshape(-1, shape[-1]).contiguous(), mask.contiguous()
        each = rows is None  # is read once
        rows = torch.arange(len(projections)).view(shape[:2]) if rows is None else rows.long().contiguous()
        time, batch = rows.shape
        low, high = rows.aminmax()
        if low < 0 or high >= len(projections):  # the kernel would read what lies elsewhere in memory
            raise IndexError(f"rows must be from 0 to {len(projections) - 1}, got {int(low)} to {int(high)}")
        # Without backward, each step overwrites the recurrent projections of the one before.
        recurrent = torch.empty(time if keep else 1, batch, width)
        states, cells = (torch.empty(time + 1, batch, units) for _ in range(2))
        outputs = torch.empty(time, batch, units)
        torch.mul(state, mask, out=states[0])
        cells[0] = cell
        x, r, m, c, h, s, factors = (
            tensor.numpy() for tensor in (projections, rows, recurrent, cells, outputs, states, mask)
        )
        scratch = torch.empty(2 * len(program.table), units).numpy()  # PyTorch's memory is aligned
        by_state, products = weight.t(), recurrent.unbind()
        for t, masked in enumerate(states[:time].unbind()):
            slot = t if keep else 0
            torch.mm(masked, by_state, out=products[slot])
            now = (x, r[t], m[slot], c[t], factors, c[t + 1], h[t], s[t + 1], scratch)
            kernel.forward(program.table, program.read, program.adding, *now)
        if keep:
            ctx.program, ctx.each, ctx.made = program, each, (rows, recurrent, states, cells)
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
        program, (rows, recurrent, states, cells) = ctx.program, ctx.made
        (time, batch), (width, units) = rows.shape, weight.shape
        multiplying, whole = width - program.adding * units, projections.shape[1]
        # Where leaves add, both projections have the same gradient. So that it is written once and both are
        # blocks side by side, the rows of states' projections are rotated: those that multiply come first.
        rotated = weight.roll(multiplying, 0)
        from_leaves = torch.empty(time, batch, multiplying + whole if ctx.each else width)
        from_inputs = torch.zeros(0 if ctx.each else len(projections), whole)
        from_state, from_cells = torch.zeros(batch, units), torch.zeros_like(cells)
        from_cells[time] = end_gradient
        x, r, m, c, factors = (tensor.numpy() for tensor in (projections, rows, recurrent, cells, mask))
        dx, dm, dc, ds = (tensor.numpy() for tensor in (from_inputs, from_leaves, from_cells, from_state))
        from_states = from_leaves[:, :, :width]
        dh, steps = output_gradients.contiguous().numpy(), from_states.unbind()
        scratch = torch.empty(2 * len(program.table), units).numpy()
        for t in range(time - 1, -1, -1):
            now = (x, r[t], m[t], c[t], factors, dh[t], ds, dc[t + 1], dx, dm[t], dc[t], scratch)
            kernel.backward(program.table, program.read, program.adding, *now)
            torch.mm(steps[t], rotated, out=from_state)
        from_weight = from_states.flatten(0, 1).t() @ states[:time].flatten(0, 1)
        gradients = (from_weight.roll(-multiplying, 0), from_state * mask, from_cells[0])
        return from_leaves[:, :, multiplying:] if ctx.each else from_inputs, None, *gradients, *(None,) * 3
