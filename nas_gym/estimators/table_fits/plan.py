"""What a fit is asked for, and what it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.tables.encoding import Numeric
from nas_gym.envs.episode import Episode
from nas_gym.kept.table_model import Member
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.mlp.grammar import MlpSpace

Answers = NDArray[np.float64]
RATES = (1e-3, 4e-3)


@dataclass(frozen=True, slots=True)
class Setting:
    """How a network reads numbers and is trained."""

    numeric: Numeric
    learning_rate: float


def settings_of(encoding: Numeric | None, encodings: Sequence[Numeric]) -> tuple[Setting, ...]:
    """Return the settings to try, those of one encoding if it is asked for; the usual ones first."""
    named = encodings if encoding is None else (encoding,)
    return tuple(Setting(numeric, rate) for numeric, rate in product(named, RATES))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fit is asked for.

    Attributes:
        space: What may be built.
        agent: Who searches, a key of ``agents.AGENTS``.
        settings: Those that are tried.
        budget: Architectures to propose; 0 for no search.
        ensemble: How many different networks answer together at most.
        seed: From it follows all that is drawn.
        threads: Trainings at a time.
        folder: Keeps what is trained, ``None`` to keep nothing.
    """

    space: MlpSpace
    agent: str
    settings: tuple[Setting, ...]
    budget: int
    ensemble: int
    seed: int
    threads: int
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A network to train on each fold, and the how-many-th time that is."""

    architecture: Architecture
    setting: Setting
    repeat: int = 0


@dataclass(frozen=True, eq=False)
class Candidate:
    """A network that was trained on each fold.

    Attributes:
        architecture: Which one.
        setting: How.
        members: What was trained, one a fold.
        answers: For the validation rows, fold after fold: probabilities ``(rows, classes)``, or numbers
            ``(rows, 1)``. No row was learned from by the network that answers for it.
        loss: Mean negative log-likelihood, or mean squared error, of these.
    """

    architecture: Architecture
    setting: Setting
    members: tuple[Member, ...]
    answers: Answers
    loss: float


@dataclass(frozen=True, eq=False)
class Found:
    """What a fit comes to.

    Attributes:
        candidates: All that were trained on each fold, the best first.
        shares: How much each of them counts.
        answers: What an ensemble says of the validation rows that was chosen without them, see
            ``ensemble.cross_fitted``.
        loss: Of these answers.
        episodes: What the search played.
    """

    candidates: tuple[Candidate, ...]
    shares: tuple[float, ...]
    answers: Answers
    loss: float
    episodes: tuple[Episode, ...] = ()

    @property
    def members(self) -> tuple[Member, ...]:
        """The networks that answer together, with their shares."""
        return tuple(
            replace(member, share=share / len(candidate.members))
            for candidate, share in zip(self.candidates, self.shares, strict=True)
            if share
            for member in candidate.members
        )
