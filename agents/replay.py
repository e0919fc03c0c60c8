"""Episodes that can be played again with a change: what mutation and neighbourhood mean here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.episodes import Episodes

ANY = -1
"""Wish for no action in particular."""


@dataclass(frozen=True, eq=False)
class Sentence:
    """One finished episode.

    Attributes:
        actions: What was chosen, step by step.
        masks: bool, shape ``(len(actions), V)``: what was legal at each step.
        value: Its return.
    """

    actions: tuple[int, ...]
    masks: NDArray[np.bool_]
    value: float

    def alternatives(self) -> list[tuple[int, int]]:
        """List every ``(step, action)`` that was legal and not chosen, in order."""
        free = self.masks.copy()
        free[np.arange(len(self.actions)), list(self.actions)] = False
        return [(int(step), int(action)) for step, action in np.argwhere(free)]


def sentences_of(episodes: Episodes) -> list[Sentence]:
    """Take a batch apart."""
    lengths = episodes.lengths.tolist()
    return [
        Sentence(tuple(episodes.actions[i, :length].tolist()), episodes.masks[i, :length], float(value))
        for i, (length, value) in enumerate(zip(lengths, episodes.returns, strict=True))
    ]


def episodes_of(sentences: Sequence[Sentence]) -> Episodes:
    """Put a batch together, the inverse of ``sentences_of``; the whole return is the last step's reward."""
    lengths = np.array([len(sentence.actions) for sentence in sentences])
    shape = (len(sentences), int(lengths.max()))
    actions, rewards = np.zeros(shape, dtype=np.int64), np.zeros(shape)
    masks = np.ones((*shape, sentences[0].masks.shape[1]), dtype=np.bool_)
    for i, sentence in enumerate(sentences):
        actions[i, : lengths[i]] = sentence.actions
        masks[i, : lengths[i]] = sentence.masks
        rewards[i, lengths[i] - 1] = sentence.value
    return Episodes(actions, masks, rewards, lengths)


def changed(actions: Sequence[int], step: int, action: int) -> tuple[int, ...]:
    """Return the wishes for a child that differs from its parent at one step.

    The parent's last action is wished for once more behind its end: where it is an action that ends
    episodes, a child whose end was replaced ends one step later instead of going on at random.

    Args:
        actions: The parent's.
        step: Where the child differs.
        action: What it does there.
    """
    return (*actions[:step], action, *actions[step + 1 :], actions[-1])


class Replay:
    """Chooses the actions wished for; one that is illegal, or not wished for, is drawn from the legal ones.

    Args:
        wishes: For each lane its wishes from the first step on, ``ANY`` or nothing for no wish. Lanes
            without an entry have none.
        num_envs: Number of lanes.
        generator: Where random actions come from.
    """

    def __init__(
        self, wishes: Sequence[Sequence[int]], num_envs: int, generator: np.random.Generator
    ) -> None:
        steps = max((len(wish) for wish in wishes), default=0)
        self._wishes = np.full((num_envs, steps + 1), ANY)
        for lane, wish in enumerate(wishes):
            self._wishes[lane, : len(wish)] = wish
        self._generator = generator
        self._step = 0

    def __call__(self, masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Choose one action a lane; see ``collect``."""
        wished = self._wishes[:, min(self._step, self._wishes.shape[1] - 1)]
        self._step += 1
        granted = (wished != ANY) & masks[np.arange(len(masks)), wished]
        if granted.all():
            return wished
        return np.where(granted, wished, random_actions(masks, self._generator))


def random_actions(masks: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw uniformly among the legal actions, shape ``(lanes,)`` from masks ``(lanes, V)``."""
    return np.asarray(np.where(masks, generator.random(masks.shape), -1.0).argmax(axis=1))


def better(first: Sentence | None, second: Sentence) -> Sentence:
    """Return the sentence with the higher value, of equals the first."""
    return second if first is None or second.value > first.value else first


def follow(
    sentence: Sentence | None,
    observations: NDArray[np.int64],
    masks: NDArray[np.bool_],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Choose actions that write a sentence: what ``predict`` of a search without a policy answers.

    Args:
        sentence: What to write; ``None`` is anything.
        observations: int64, shape ``(lanes, max_length)``: 0 where nothing is written.
        masks: Which actions are legal, shape ``(lanes, V)``.
        generator: Where random actions come from, where the sentence has none or an illegal one.

    Returns:
        Actions, shape ``(lanes,)``.
    """
    actions = random_actions(masks, generator)
    for lane, step in enumerate((observations > 0).sum(axis=1).tolist()):
        if sentence is not None and step < len(sentence.actions) and masks[lane, sentence.actions[step]]:
            actions[lane] = sentence.actions[step]
    return actions


def pack(sentences: Sequence[Sentence], num_actions: int) -> dict[str, Tensor]:
    """Turn sentences into tensors for a checkpoint."""
    steps = max((len(sentence.actions) for sentence in sentences), default=0)
    actions = np.full((len(sentences), steps), ANY)
    masks = np.zeros((len(sentences), steps, num_actions), dtype=np.bool_)
    for i, sentence in enumerate(sentences):
        actions[i, : len(sentence.actions)] = sentence.actions
        masks[i, : len(sentence.actions)] = sentence.masks
    values = np.array([sentence.value for sentence in sentences])
    return {
        "actions": torch.from_numpy(actions),
        "masks": torch.from_numpy(masks),
        "values": torch.from_numpy(values),
    }


def unpack(packed: Mapping[str, Tensor]) -> list[Sentence]:
    """Return the sentences that ``pack`` was given."""
    actions, masks = packed["actions"].numpy(), packed["masks"].numpy()
    lengths = (actions != ANY).sum(axis=1).tolist()
    return [
        Sentence(tuple(actions[i, :length].tolist()), masks[i, :length].copy(), value)
        for i, (length, value) in enumerate(zip(lengths, packed["values"].tolist(), strict=True))
    ]
