"""Several kept classifiers that answer together."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from nas_gym.errors import KeptNetworkError
from nas_gym.files import write_folder_atomically, write_json
from nas_gym.kept.folder import DESCRIPTION, ENSEMBLE, read_folder, write_folder
from nas_gym.kept.records import of_json, to_json
from nas_gym.kept.samples import KeptClassifier
from nas_gym.search_spaces.architecture import Architecture

FORMAT = 1
"""Version of the folder's format; another one is refused."""


class Mixture(nn.Module):
    """The logarithms of the weighted mean of probabilities, which are logits, too.

    Args:
        networks: Each says logits, ``(batch, classes)``.
        shares: The weight of each; they sum to 1.
    """

    def __init__(self, networks: Sequence[nn.Module], shares: Sequence[float]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.offsets = [math.log(share) for share in shares]

    def forward(self, samples: Tensor) -> Tensor:
        """Return logarithms of probabilities, ``(batch, classes)``."""
        pairs = zip(self.networks, self.offsets, strict=True)
        known = [network(samples).float().log_softmax(dim=1) + offset for network, offset in pairs]
        return torch.stack(known).logsumexp(dim=0)


@dataclass(frozen=True, slots=True)
class KeptShares:
    """What stands in ``ensemble.json``: each member has a folder of its own, named by its number.

    Attributes:
        format: See ``FORMAT``.
        shares: How much the answer of each member counts.
        scores: Values of metrics of the whole, by part of the data.
    """

    format: int
    shares: tuple[float, ...]
    scores: Mapping[str, Mapping[str, float]]


class KeptEnsemble(KeptClassifier):
    """Classifiers whose answer is the weighted mean of their probabilities.

    Args:
        members: At least one; they read the same samples and know the same classes.
        shares: How much the answer of each counts; positive, they sum to 1.
        scores: What all of them reach together, by part of the data and metric.
    """

    def __init__(
        self,
        members: Sequence[KeptClassifier],
        shares: Sequence[float],
        scores: Mapping[str, Mapping[str, float]],
    ) -> None:
        self.members, self.shares = tuple(members), tuple(shares)
        text = "; ".join(
            f"{share:.2f} {each.architecture}" for each, share in zip(members, shares, strict=True)
        )
        known = replace(members[0].description, architecture=text, scores=scores)
        super().__init__(known, Mixture([each.module for each in members], shares))

    @property
    def architecture(self) -> Architecture:
        """There are several: see ``members``.

        Raises:
            KeptNetworkError: Always.
        """
        raise KeptNetworkError("an ensemble has no architecture of its own, each of its members has one")

    def save(self, path: str | Path) -> None:
        """Write a folder, whole or not at all; a kept network that is there is replaced.

        Raises:
            KeptNetworkError: If something else is there, or the folder cannot be written.
        """
        target = Path(path).expanduser()
        if target.exists() and not any((target / name).is_file() for name in (ENSEMBLE, DESCRIPTION)):
            raise KeptNetworkError(f"{target} is there and holds no {ENSEMBLE}; it is not replaced")

        def write(folder: Path) -> None:
            for number, member in enumerate(self.members):
                write_folder(folder / str(number), member.description, member.weights)
            write_json(folder / ENSEMBLE, to_json(KeptShares(FORMAT, self.shares, self.scores)))

        try:
            write_folder_atomically(target, write)
        except OSError as error:
            raise KeptNetworkError(f"{target} cannot be written: {error.strerror}") from None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return what was saved in a folder.

        Raises:
            KeptNetworkError: If a file is missing, damaged or of another version.
        """
        file = folder / ENSEMBLE
        try:
            known = of_json(KeptShares, json.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise KeptNetworkError(f"{file} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise KeptNetworkError(f"{file} does not describe an ensemble: {error}") from None
        if known.format != FORMAT:
            raise KeptNetworkError(
                f"{file} has the format version {known.format}, this version of nas_gym reads {FORMAT} alone"
            )
        if not known.shares or min(known.shares) <= 0.0:
            raise KeptNetworkError(f"{file} does not describe an ensemble: shares are {list(known.shares)}")
        members = [KeptClassifier.of(*read_folder(folder / str(n))) for n in range(len(known.shares))]
        return cls(members, known.shares, known.scores)
