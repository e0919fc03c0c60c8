"""Seeds that follow from what is trained, never from the order of training."""

import hashlib

from nas_gym.search_spaces.architecture import Architecture

FORMER_IDS = {"chain-v0": "conv-v0"}
"""Ids that search spaces had when their children's seeds were fixed, where results stay what they were."""


def child_seed(seed: int, architecture: Architecture) -> int:
    """Return a child's seed in a search, from 0 to 2**63 - 1, as a fixed function of both arguments."""
    return _hash(f"{seed}|{_named(architecture)}|{architecture}")


def repeat_seeds(purpose: str, architecture: Architecture, count: int) -> list[int]:
    """Return seeds for training a network again after the search, other ones for each purpose."""
    return [_hash(f"{purpose} {index}|{_named(architecture)}|{architecture}") for index in range(count)]


def _named(architecture: Architecture) -> str:
    return FORMER_IDS.get(architecture.search_space, architecture.search_space)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
