"""The recurrent policy: previous token in, distribution over the next token out."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from agents.reinforce.nascell import NASCell

Cell = Literal["gru", "lstm", "nascell"]
CELLS: dict[str, Callable[[int, int], nn.Module]] = {
    "gru": partial(nn.GRU, batch_first=True),
    "lstm": partial(nn.LSTM, batch_first=True),
    "nascell": NASCell,
}
State = Tensor | tuple[Tensor, Tensor] | None


class RecurrentPolicy(nn.Module):
    """Embedding of the previous action, recurrent cell, linear head.

    Args:
        num_actions: Number of actions, V. The embedding has one row more, for the start of an episode.
        hidden_size: Units of the cell and size of the embedding.
        cell: ``"gru"``, ``"lstm"`` or ``"nascell"``.
        generator: Where the initial parameters come from: uniform in [-0.08, 0.08], as in Zoph & Le.
    """

    def __init__(self, num_actions: int, hidden_size: int, cell: Cell, generator: torch.Generator) -> None:
        super().__init__()
        self.num_actions = num_actions
        with torch.random.fork_rng(devices=[]):  # the layers' own initial values are thrown away
            self.embedding = nn.Embedding(num_actions + 1, hidden_size)
            self.cell = CELLS[cell](hidden_size, hidden_size)
            self.head = nn.Linear(hidden_size, num_actions)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.uniform_(-0.08, 0.08, generator=generator)

    def forward(self, previous: Tensor, masks: Tensor, state: State = None) -> tuple[Tensor, State]:
        """Compute log-probabilities of the next actions.

        Args:
            previous: int64, shape ``(batch, steps)``: 0 at the start of an episode, else action + 1.
            masks: bool, shape ``(batch, steps, V)``: which actions are legal, at least one.
            state: State of the cell before the first step, ``None`` at the start of an episode.

        Returns:
            Log-probabilities, shape ``(batch, steps, V)``, those of illegal actions about -1e9; and the
            state after the last step.
        """
        outputs, state = self.cell(self.embedding(previous), state)
        logits = self.head(outputs).masked_fill(~masks, -1e9)
        return logits.log_softmax(dim=-1), state


def draw(log_probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """Draw one action a row, shape ``(lanes,)`` from ``(lanes, V)``: the first to come of a race."""
    noise = exponential(log_probabilities.shape, generator)
    return (log_probabilities.exp() / noise).argmax(dim=1)


def exponential(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Draw exponential times, float32; divided by an action's probability, the shortest is that of a draw."""
    return torch.empty(tuple(shape)).exponential_(generator=generator)
