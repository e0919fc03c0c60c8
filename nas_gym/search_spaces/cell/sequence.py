"""A cell over all time steps of a sequence, inside one function that PyTorch can differentiate."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from nas_gym.search_spaces.cell import kernel
from nas_gym.search_spaces.cell.description import ACTIVATIONS, COMBINATIONS, CellDescription


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
    adding = sum(operation.combination == "add" for operation in description.leaves)
    read = number_of.get(description.read, description.read)
    return Program(np.array(table, dtype=np.int64), read, adding)


def can_be_compiled(*tensors: Tensor) -> bool:
    """Say whether the kernel takes these: float32 on the CPU."""
    return all(tensor.dtype == torch.float32 and tensor.device.type == "cpu" for tensor in tensors)


class CompiledSequence(torch.autograd.Function):
    """All time steps of a cell.

    One matrix product projects all inputs. Then, for each step, one projects the state, and adds to the
    inputs' projections where leaves add; leaves that multiply need their own one. The kernel does the rest.

    ``apply`` takes, in this order:
        inputs: x_1, x_2, ..., ``(time, batch, features)``.
        input_weight: Of their projections, ``(leaves * units, features)``, leaves in ``leaf_order``.
        bias: Of their projections, ``(leaves * units,)``, or ``None``.
        weight: Of the states' projections, ``(leaves * units, units)``.
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
        inputs: Tensor,
        input_weight: Tensor,
        bias: Tensor | None,
        weight: Tensor,
        state: Tensor,
        cell: Tensor,
        mask: Tensor,
        program: Program,
        keep: bool,
    ) -> tuple[Tensor, Tensor]:
        """Compute all steps."""
        (time, batch, features), (width, units) = inputs.shape, weight.shape
        adding, mask = program.adding * units, mask.contiguous()
        projections = torch.nn.functional.linear(inputs.reshape(-1, features), input_weight, bias)
        projections = projections.view(time, batch, width)
        # Without backward, each step overwrites the recurrent projections of the one before.
        recurrent = torch.empty(time if keep else 1, batch, width - adding)
        # The inputs stand beside the states, so that one product gives the gradients of both weights.
        joined = torch.empty(time + 1, batch, features + units)
        joined[:time, :, :features] = inputs
        states = joined[:, :, features:]
        torch.mul(state, mask, out=states[0])
        outputs, cells = torch.empty(time, batch, units), torch.empty(time + 1, batch, units)
        cells[0] = cell
        x, m = (p.view(len(p), batch, -1, units).numpy() for p in (projections, recurrent))
        c, h, s, factors = (tensor.numpy() for tensor in (cells, outputs, joined, mask))
        sums, products = projections[:, :, :adding].unbind(), recurrent.unbind()
        add_weight, multiply_weight = weight[:adding].t(), weight[adding:].t()
        for t, masked in enumerate(states[:time].unbind()):
            slot = t if keep else 0
            if adding:
                sums[t].addmm_(masked, add_weight)
            if adding < width:
                torch.mm(masked, multiply_weight, out=products[slot])
            now = (x[t], m[slot], c[t], factors, c[t + 1], h[t], s[t + 1])
            kernel.forward(program.table, program.read, *now)
        if keep:
            ctx.program, ctx.made = program, (projections, recurrent, joined, cells)
            ctx.save_for_backward(input_weight, weight, mask)
        return outputs, cells[time].clone()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any,  # noqa: ANN401
        output_gradients: Tensor,
        end_gradient: Tensor,
    ) -> tuple[Tensor | None, ...]:
        """Send the gradients of outputs and last c back through all steps."""
        input_weight, weight, mask = ctx.saved_tensors
        projections, recurrent, joined, cells = ctx.made
        program = ctx.program
        (time, batch, width), units = projections.shape, weight.shape[1]
        features, adding = input_weight.shape[1], program.adding * units
        from_states, from_inputs = torch.empty_like(projections), torch.empty_like(recurrent)
        from_state, from_cells = torch.zeros(batch, units), torch.zeros_like(cells)
        from_cells[time] = end_gradient
        x, m, dm, dx = (
            tensor.view(time, batch, -1, units).numpy()
            for tensor in (projections, recurrent, from_states, from_inputs)
        )
        c, dc, ds, dh, factors = (
            tensor.numpy() for tensor in (cells, from_cells, from_state, output_gradients.contiguous(), mask)
        )
        steps = from_states.unbind()
        for t in range(time - 1, -1, -1):
            now = (x[t], m[t], c[t], factors, dh[t], ds, dc[t + 1], dm[t], dx[t], dc[t])
            kernel.backward(program.table, program.read, *now)
            torch.mm(steps[t], weight, out=from_state)
        read, rows = joined[:time].view(time * batch, -1), from_states.view(time * batch, width)
        sums, products = rows[:, :adding], from_inputs.view(time * batch, width - adding)
        both = torch.cat(
            (
                sums.t() @ read,
                torch.cat((products.t() @ read[:, :features], rows[:, adding:].t() @ read[:, features:]), 1),
            )
        )
        inputs = (sums @ input_weight[:adding]).addmm_(products, input_weight[adding:])
        bias = torch.cat((sums.sum(0), products.sum(0))) if ctx.needs_input_grad[2] else None
        return (
            inputs.view(time, batch, features),
            both[:, :features].contiguous(),
            bias,
            both[:, features:].contiguous(),
            from_state * mask,
            from_cells[0],
            *(None, None, None),
        )
