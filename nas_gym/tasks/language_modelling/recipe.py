"""How a language model is made and trained, as a frozen value."""

from dataclasses import dataclass
from typing import Literal, get_args

from nas_gym.checks import boolean, choice, integer, number, optional_integer
from nas_gym.errors import InvalidArgumentError

Optimizer = Literal["adam", "sgd"]
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class LanguageRecipe:
    """The model around a cell, and truncated back-propagation through time on the cross-entropy.

    Each epoch reads the text once from its beginning, in columns side by side; the state goes on from
    window to window and is reset at the beginning of an epoch. The weights of the last epoch are kept.

    Attributes:
        epochs: Number of passes through the training part.
        batch_size: Number of columns.
        bptt: Time steps of a window, which gradients flow back at most.
        units: Number of values of the embedding and of each layer.
        layers: Number of recurrent layers.
        tied: Whether the output weights are those of the embedding.
        dropout: Share of words, inputs, states and outputs that is dropped in training, drawn once a
            window, from 0 to below 1.
        optimizer: ``"adam"``, its other values those of the paper, or ``"sgd"``, plain steps.
        learning_rate: Step size of the first epochs.
        constant_epochs: Number of epochs with that step size.
        decay: What the step size is multiplied with in each later epoch, above 0 and up to 1.
        clip: Largest norm of the gradient, all parameters together; a longer one is scaled down. ``None``
            for no limit.
        max_batches: Largest number of windows of an epoch, ``None`` for all: low fidelity.
        classes: How many classes are predicted: the first tokens of the vocabulary, which is sorted by
            frequency where it is chosen from a text, and one class for all others. All tokens are read as
            they are. ``None`` for a class for each token; fewer are low fidelity, and perplexities with
            other numbers of classes cannot be compared.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """

    epochs: int = 3
    batch_size: int = 32
    bptt: int = 35
    units: int = 32
    layers: int = 1
    tied: bool = False
    dropout: float = 0.0
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-2
    constant_epochs: int = 1
    decay: float = 1.0
    clip: float | None = 1.0
    max_batches: int | None = None
    classes: int | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range, and keep Python's own numbers."""
        keep = object.__setattr__
        for name in ("epochs", "batch_size", "bptt", "units", "layers", "constant_epochs"):
            keep(self, name, integer(name, getattr(self, name), 1, MOST))
        keep(self, "max_batches", optional_integer("max_batches", self.max_batches, 1, MOST))
        keep(self, "classes", optional_integer("classes", self.classes, 2, MOST))
        keep(self, "tied", boolean("tied", self.tied))
        if self.tied and self.classes is not None:
            raise InvalidArgumentError(
                f"tied=True has a class for each token, so classes must be None, got {self.classes}"
            )
        choice("optimizer", self.optimizer, get_args(Optimizer))
        allowed = "a number from 0 to below 1"
        keep(self, "dropout", number("dropout", self.dropout, allowed, least=0, below=1))
        keep(self, "decay", number("decay", self.decay, "a number above 0 and up to 1", above=0, most=1))
        positive = "a positive number"
        keep(self, "learning_rate", number("learning_rate", self.learning_rate, positive, above=0))
        if self.clip is not None:
            keep(self, "clip", number("clip", self.clip, f"{positive} or None", above=0))

    @property
    def id(self) -> str:
        """The recipe in one line, for records: what has come later stands there only if it is used."""
        named = [name for name in self.__slots__ if name not in ("optimizer", "classes")]
        named += ["classes"] if self.classes is not None else []
        values = [f"{name}={getattr(self, name)}" for name in named]
        return f"language-{self.optimizer}({', '.join(values)})"

    def learning_rate_of(self, epoch: int) -> float:
        """Return the learning rate of an epoch, the first one being 1."""
        return self.learning_rate * self.decay ** max(0, epoch - self.constant_epochs)
