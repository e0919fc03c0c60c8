"""The record of one evaluated child, which the rooms of nas_gym hand to one another."""

from dataclasses import dataclass
from typing import Literal

from nas_gym.search_spaces.architecture import Architecture

Status = Literal["ok", "failed", "timed_out"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of training one child.

    Attributes:
        architecture: The network that was trained.
        dataset: Id of the data set.
        recipe: Id of the training recipe.
        seed: Seed of the child: its initial weights and the order of its samples. ``None`` for a mean over
            seeds, from a table.
        status: ``"ok"``, or how the child failed.
        validation_accuracy: Share of validation samples classified correctly, ``None`` if unknown.
        parameters: Number of trained values, ``None`` if unknown.
        seconds: Time that training took. As ``latency_seconds``, no function of the other fields.
        reason: Why the child failed, ``None`` if it did not.
        simulated_seconds: What a search has spent of its budget of simulated time, this child included;
            ``None`` without such a budget.
        last_epochs_accuracy: Largest validation accuracy of the last five epochs, ``None`` if unknown.
        multiply_adds: Multiplications with a weight for one sample, ``None`` if unknown.
        latency_seconds: Measured time of a forward pass, ``None`` if it was not measured.
        validation_perplexity: Of a language model, ``exp`` of its mean loss on validation data, in nats per
            token; ``None`` if unknown, and where samples are classified.
    """

    architecture: Architecture
    dataset: str
    recipe: str
    seed: int | None
    status: Status
    validation_accuracy: float | None
    parameters: int | None
    seconds: float
    reason: str | None = None
    simulated_seconds: float | None = None
    last_epochs_accuracy: float | None = None
    multiply_adds: int | None = None
    latency_seconds: float | None = None
    validation_perplexity: float | None = None

    def as_info(self) -> dict[str, str | int | float]:
        """Return what may stand in an environment's info: plain, known and repeatable values.

        Measured times are left out, since they differ from run to run; unknown values are left out too.
        """
        values = {
            "status": self.status,
            "validation_accuracy": self.validation_accuracy,
            "last_epochs_accuracy": self.last_epochs_accuracy,
            "validation_perplexity": self.validation_perplexity,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "seed": self.seed,
            "reason": self.reason,
            "simulated_seconds": self.simulated_seconds,
        }
        return {name: value for name, value in values.items() if value is not None}
