"""The record of one episode: what was proposed, and what it earned."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Episode:
    """What came of one episode.

    Attributes:
        number: Its place among the episodes of a run, from 1.
        architecture: Text of the network that was proposed, ``None`` if the sentence never was complete.
        reward: That of the last step.
        status: ``"illegal"`` after an illegal token, ``"truncated"`` where a wrapper ended the sentence, else
            that of the ``Evaluation``.
        scores: Values of the child on validation data by the names of metrics; empty if there are none.
        parameters: Number of trained values, ``None`` if unknown.
        multiply_adds: Multiplications with a weight for one sample, ``None`` if unknown.
        seed: The child's, ``None`` if unknown or without a child.
        reason: Why the child failed, ``None`` if it did not.
        simulated_seconds: When simulated workers were done with it, see ``Evaluation``.
    """

    number: int
    architecture: str | None
    reward: float
    status: str
    scores: Mapping[str, float] = field(default_factory=dict)
    parameters: int | None = None
    multiply_adds: int | None = None
    seed: int | None = None
    reason: str | None = None
    simulated_seconds: float | None = None
