"""Draws from the policy that leave what was drawn before: with what do new sentences begin?"""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.reinforce.drawn import DrawnSentences
from agents.reinforce.policy import RecurrentPolicy, State, exponential

ATTEMPTS = 8
"""How often new sentences are sought by rejection before drawn ones are masked."""
CANDIDATES = 8
"""How many sentences are drawn in an attempt for each that is needed."""
UNKNOWN, NOWHERE, OUTSIDE = -1, -2, -3
"""Where an action leads that nobody has drawn yet; one that leads to drawn sentences alone; and one that left
the tree by the first exit, by the next one it is one less."""
BATCH = -2
"""The axis of a cell's state that counts sequences."""


def draw_exits(
    drawn: DrawnSentences, policy: RecurrentPolicy, generator: torch.Generator, count: int
) -> list[tuple[int, ...]]:
    """Draw distinct shortest beginnings with which no drawn sentence begins, 1 to ``count`` of them."""
    if drawn.legal(()) is None:
        return [()]
    exits: dict[tuple[int, ...], None] = {}
    walks = Walks(drawn, policy, generator)
    for _ in range(ATTEMPTS):
        exits.update(dict.fromkeys(walks.draw(CANDIDATES * count)))
        if len(exits) >= count:
            break
    else:
        only_open = Walks(drawn, policy, generator, only_open=True)
        exits.update(dict.fromkeys(only_open.draw(CANDIDATES * count)))
    return list(exits)[:count]


class Walks:
    """Draws from the policy until a draw leaves the tree of drawn sentences, or leads to drawn ones alone.

    Draws go the same ways where the policy is sure of itself, so it is asked once for each place in the tree,
    and what it said is remembered. An instance is for one state of the policy and of the tree.

    Args:
        drawn: The tree, with one sentence at least.
        policy: Where draws come from.
        generator: Where random numbers come from.
        only_open: Whether to forbid what leads to drawn sentences alone. If not, such draws are rejected, and
            the others are distributed as the policy's own new sentences.
    """

    def __init__(
        self,
        drawn: DrawnSentences,
        policy: RecurrentPolicy,
        generator: torch.Generator,
        only_open: bool = False,
    ) -> None:
        self._drawn, self._policy, self._generator = drawn, policy, generator
        self._only_open = only_open
        self._exits: list[tuple[int, ...]] = []
        self._prefixes: list[tuple[int, ...]] = [()]
        """What was written up to each place in the tree."""
        start = torch.zeros((1, 1), dtype=torch.int64)
        self._probabilities, self._behind, self._state = self._ask(start, None)
        """For each place the probabilities of the actions and where they lead, both of shape ``(places, V)``,
        and the state of the policy."""

    def draw(self, count: int) -> list[tuple[int, ...]]:
        """Draw so often; return the beginnings that left the tree, at most as many."""
        places = np.zeros(count, dtype=np.int64)
        walking = np.arange(count)
        while len(walking):
            # Those that have ended draw, too: nobody's random numbers depend on when others end.
            noise = exponential((count, self._policy.num_actions), self._generator).numpy()
            actions = (self._probabilities[places[walking]] / noise[walking]).argmax(axis=1)
            places[walking] = self._go_on(places[walking], actions)
            walking = walking[places[walking] >= 0]
        return [self._exits[OUTSIDE - place] for place in places.tolist() if place <= OUTSIDE]

    def _go_on(self, places: NDArray[np.int64], actions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where draws are after actions at places in the tree, all of shape ``(draws,)``."""
        unknown = self._behind[places, actions] == UNKNOWN
        if unknown.any():
            self._explore(set(zip(places[unknown].tolist(), actions[unknown].tolist(), strict=True)))
        return self._behind[places, actions]

    def _explore(self, steps: Iterable[tuple[int, int]]) -> None:
        """Find out where actions lead at places, and ask the policy there."""
        entered: list[tuple[int, int]] = []
        for place, action in sorted(steps):
            prefix = (*self._prefixes[place], action)
            if self._drawn.legal(prefix) is None:
                self._behind[place, action] = OUTSIDE - len(self._exits)
                self._exits.append(prefix)
            else:
                self._behind[place, action] = len(self._prefixes)
                self._prefixes.append(prefix)
                entered.append((place, action))
        if not entered:
            return
        before, actions = (torch.tensor(column) for column in zip(*entered, strict=True))
        given = [part.index_select(BATCH, before) for part in self._state]
        probabilities, behind, state = self._ask(actions[:, None] + 1, given)
        self._probabilities = np.concatenate([self._probabilities, probabilities])
        self._behind = np.concatenate([self._behind, behind])
        self._state = [torch.cat(parts, BATCH) for parts in zip(self._state, state, strict=True)]

    def _ask(
        self, previous: Tensor, state: Sequence[Tensor] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], list[Tensor]]:
        """Return what is to be known of the latest places.

        Args:
            previous: int64, shape ``(places, 1)``: the actions that led there, as the policy takes them.
            state: That of the policy before.
        """
        prefixes = self._prefixes[-len(previous) :]
        is_open = np.array([self._drawn.open(prefix) for prefix in prefixes])
        legal = is_open if self._only_open else np.array([self._drawn.legal(prefix) for prefix in prefixes])
        given: State = None
        if state is not None:
            given = state[0] if len(state) == 1 else (state[0], state[1])
        with torch.inference_mode():
            log_probabilities, after = self._policy(previous, torch.from_numpy(legal)[:, None], given)
        behind = np.where(is_open, UNKNOWN, NOWHERE)
        return (
            log_probabilities[:, 0].exp().numpy(),
            behind,
            [after] if isinstance(after, Tensor) else list(after),
        )
