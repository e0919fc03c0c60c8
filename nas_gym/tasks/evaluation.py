"""The record of one evaluated child, which the rooms of nas_gym hand to one another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nas_gym.search_spaces.architecture import Architecture

Status = Literal["ok", "failed", "timed_out", "stopped"]
Info = dict[str, str | int | float | dict[str, float]]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of training one child.

    Attributes:
        architecture: The network that was trained.
        task: Id of what was learned: of the data, and of the metric where it is not the task's usual one.
        recipe: Id of the training recipe.
        seed: Seed of the child: its initial weights and the order of its samples. ``None`` for a mean over
            seeds, from a table.
        status: ``"ok"``, or how the child failed.
        scores: Its values on validation data by the names of the metrics, that of the task's metric first.
            Empty if the child failed.
        parameters: Number of trained values, ``None`` if unknown.
        seconds: Time that training took. As ``latency_seconds``, no function of the other fields.
        reason: Why the child failed, ``None`` if it did not.
        multiply_adds: Multiplications with a weight for one sample, ``None`` if unknown.
        latency_seconds: Measured time of a forward pass, ``None`` if it was not measured.
        rung: Fidelity of the training: the position of its recipe in the task's ladder, 0 for the cheapest.
        simulated_seconds: What a search has spent of its budget of simulated time, this child included, or
            at what time simulated workers were done with the child; ``None`` without such time.
    """

    architecture: Architecture
    task: str
    recipe: str
    seed: int | None
    status: Status
    scores: Mapping[str, float] = field(default_factory=dict)
    parameters: int | None = None
    seconds: float = 0.0
    reason: str | None = None
    multiply_adds: int | None = None
    latency_seconds: float | None = None
    rung: int = 0
    simulated_seconds: float | None = None

    @property
    def score(self) -> float | None:
        """The value of the task's metric, the first of the scores; ``None`` if the child failed."""
        return next(iter(self.scores.values()), None)

    def as_info(self) -> Info:
        """Return what may stand in an environment's info: plain, known and repeatable values.

        Measured times are left out, since they differ from run to run; unknown values are left out too.
        """
        values = {
            "status": self.status,
            "scores": dict(self.scores) or None,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "seed": self.seed,
            "reason": self.reason,
            "simulated_seconds": self.simulated_seconds,
        }
        return {name: value for name, value in values.items() if value is not None}
