"""Several kept classifiers that answer together."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from nas_gym.errors import KeptNetworkError
from nas_gym.files import write_json
from nas_gym.kept.folder import ENSEMBLE, fill_with_network, read_folder, read_record, write_kept
from nas_gym.kept.records import to_json
from nas_gym.kept.samples import KeptClassifier
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.classification import Classification

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
        scores: As those of ``KeptEnsemble``.
        weights_sha256: Of the file of weights of each member, in hexadecimal digits.
    """

    format: int
    shares: tuple[float, ...]
    scores: Mapping[str, Mapping[str, float]]
    weights_sha256: tuple[str, ...]


class KeptEnsemble(KeptClassifier):
    """Classifiers whose answer is the weighted mean of their probabilities.

    Args:
        members: Single networks, which read the same samples and know the same classes.
        shares: How much the answer of each counts; positive, they sum to 1.
        scores: What ensembles that were selected in the same way reach on samples that had no say in that,
            by part of the data and metric.

    Attributes:
        members: The networks.
        shares: How much each counts.

    Raises:
        KeptNetworkError: If members and shares do not fit one another.
    """

    def __init__(
        self,
        members: Sequence[KeptClassifier],
        shares: Sequence[float],
        scores: Mapping[str, Mapping[str, float]],
    ) -> None:
        _check(members, shares)
        self.members, self.shares = tuple(members), tuple(shares)
        first, text = members[0].description, "; ".join(self.architectures)
        known = replace(first, architecture=text, scores=scores, weights_sha256="")
        super().__init__(known, Mixture([each.module for each in members], shares))

    @property
    def architectures(self) -> list[str]:
        """Texts of the members, those that count most first."""
        pairs = sorted(zip(self.shares, self.members, strict=True), key=lambda pair: -pair[0])
        return [str(member.architecture) for _, member in pairs]

    @property
    def architecture(self) -> Architecture:
        """There are several, see ``architectures``.

        Raises:
            KeptNetworkError: Always.
        """
        raise KeptNetworkError("an ensemble has no single architecture: see architectures")

    def save(self, path: str | Path) -> None:
        """Write a folder, whole or not at all; an ensemble that is there is replaced.

        Raises:
            KeptNetworkError: If something else is there, or the folder cannot be written.
        """

        def fill(folder: Path) -> None:
            checksums = tuple(
                fill_with_network(folder / str(number), member.description, member.weights)
                for number, member in enumerate(self.members)
            )
            write_json(folder / ENSEMBLE, to_json(KeptShares(FORMAT, self.shares, self.scores, checksums)))

        write_kept(Path(path).expanduser(), ENSEMBLE, fill)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Return what was saved in a folder.

        Raises:
            KeptNetworkError: If a file is missing, damaged, of another version, or not of this ensemble.
        """
        file = folder / ENSEMBLE
        known = read_record(file, KeptShares, FORMAT, "an ensemble")
        members = []
        for number, checksum in enumerate(known.weights_sha256):
            description, weights = read_folder(folder / str(number))
            if description.weights_sha256 != checksum or description.task != Classification.kind:
                raise KeptNetworkError(f"{folder / str(number)} is damaged, or belongs to another {ENSEMBLE}")
            members.append(KeptClassifier.of(description, weights))
        try:
            return cls(members, known.shares, known.scores)
        except KeptNetworkError as error:
            raise KeptNetworkError(f"{file} does not describe an ensemble: {error}") from None


def _check(members: Sequence[KeptClassifier], shares: Sequence[float]) -> None:
    """Refuse what cannot answer together."""
    if not members or len(members) != len(shares):
        raise KeptNetworkError(f"there are {len(members)} networks and {len(shares)} shares, one for each")
    if not (all(share > 0.0 for share in shares) and math.isclose(sum(shares), 1.0)):
        raise KeptNetworkError(f"shares must be positive and sum to 1, got {list(shares)}")
    if any(isinstance(each, KeptEnsemble) for each in members):
        raise KeptNetworkError("an ensemble has single networks as members, no ensembles")
    if any(each.description.interface != members[0].description.interface for each in members):
        raise KeptNetworkError("all networks must read the same samples and know the same classes")
