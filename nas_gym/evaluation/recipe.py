"""How a child is trained, as a frozen value."""

from dataclasses import dataclass

from nas_gym.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class TrainingRecipe:
    """Adam on the cross-entropy with early stopping; the weights of the best epoch are kept.

    Attributes:
        epochs: Largest number of passes through the training part.
        batch_size: Samples per step; the last batch of an epoch may be smaller.
        learning_rate: Adam's step size; its other values are those of the paper.
        patience: Training stops after so many epochs in a row without a better validation accuracy.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    epochs: int = 100
    batch_size: int = 32
    learning_rate: float = 1e-2
    patience: int = 10

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= 1_000_000:
                raise InvalidArgumentError(f"{name} must be an integer from 1 to 1000000, got {value!r}")
        if not isinstance(self.learning_rate, (int, float)) or not 0 < self.learning_rate < float("inf"):
            raise InvalidArgumentError(f"learning_rate must be a positive number, got {self.learning_rate!r}")

    @property
    def id(self) -> str:
        """The recipe in one line, for records."""
        return (
            f"adam(epochs={self.epochs}, batch_size={self.batch_size}, "
            f"learning_rate={self.learning_rate}, patience={self.patience})"
        )
