"""NASCell, the recurrent cell that Zoph & Le's own controller found."""

import torch
from torch import Tensor, nn

LEAVES = (0, 2, 5, 7, 4, 6, 1, 3)
"""The published equations' leaves in the order of their rows here: sigmoid, tanh, ReLU, ReLU of a product."""


class NASCell(nn.Module):
    """NASCell over whole sequences, with the interface of ``nn.LSTM(inputs, units, batch_first=True)``.

    Each of eight leaves has a projection of its own of x_t and one of h_{t-1}, without bias; seven leaves add
    the two, one multiplies them. Leaves with the same activation stand side by side, so that a step makes
    few calls.

    Paper: Zoph & Le 2016, https://arxiv.org/abs/1611.01578, in the form of TensorFlow's
    ``contrib.rnn.NASCell`` without bias and projection. Different: the leaves stand in the order ``LEAVES``.

    Args:
        inputs: Number of features of x_t.
        units: Number of values of h_t and of c_t.

    Attributes:
        input_map: Projections of x_t, weight ``(8 * units, inputs)``.
        state_map: Projections of h_{t-1}, weight ``(8 * units, units)``.
    """

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.units = units
        self.input_map = nn.Linear(inputs, len(LEAVES) * units, bias=False)
        self.state_map = nn.Linear(units, len(LEAVES) * units, bias=False)

    def forward(
        self, inputs: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Read sequences.

        Args:
            inputs: Shape ``(batch, steps, inputs)``, at least one step.
            state: h and c before the first step, each ``(batch, units)``; zeros by default.

        Returns:
            h of all steps, shape ``(batch, steps, units)``; and h and c after the last.
        """
        nothing = inputs.new_zeros(len(inputs), self.units)
        hidden, cell = (nothing, nothing) if state is None else state
        outputs = []
        for projections in self.input_map(inputs).unbind(dim=1):
            hidden, cell = self._step(projections, self.state_map(hidden), cell)
            outputs.append(hidden)
        return torch.stack(outputs, dim=1), (hidden, cell)

    def _step(self, from_input: Tensor, from_state: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """Return h_t and c_t.

        Args:
            from_input: Projections of x_t, shape ``(batch, 8 * units)``.
            from_state: Projections of h_{t-1}, likewise.
            cell: c_{t-1}, shape ``(batch, units)``.
        """
        sizes = [7 * self.units, self.units]
        x_added, x_multiplied = from_input.split(sizes, dim=1)
        m_added, m_multiplied = from_state.split(sizes, dim=1)
        sums = (x_added + m_added).split([4 * self.units, 2 * self.units, self.units], dim=1)
        sigmoids, tanhs, relu = sums[0].sigmoid(), sums[1].tanh(), sums[2].relu()
        l0, l2, l5, l7 = sigmoids.chunk(4, dim=1)
        l4, l6 = tanhs.chunk(2, dim=1)
        l1, l3 = relu, (x_multiplied * m_multiplied).relu()
        injected = ((l0 * l1).tanh() + cell).tanh()
        next_cell = injected * (l2 + l3).tanh()
        gate = ((l4 * l5).tanh() + (l6 + l7).sigmoid()).tanh()
        return (next_cell * gate).tanh(), next_cell
