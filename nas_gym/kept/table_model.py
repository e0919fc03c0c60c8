"""What is kept of a fit to a table: how its columns are read, and the networks that answer together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.tables.columns import Cells, Column, read_cells
from nas_gym.datasets.tables.encoding import Encoding
from nas_gym.errors import KeptNetworkError
from nas_gym.kept.folder import TABLE, WINNER, checksum, fill_with, read_record, read_weights, write_kept
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.mlp.grammar import MlpSpace
from nas_gym.search_spaces.mlp.network import build

if TYPE_CHECKING:
    from torch import nn

Numbers = NDArray[np.float64]
FORMAT = 1
CLASSIFICATION, REGRESSION = "classification", "regression"


@dataclass(frozen=True, eq=False)
class Member:
    """One trained network, and how it reads a row.

    Attributes:
        architecture: What it is, a sentence of ``mlp-v0``.
        encoding: Turns cells into its features.
        weights: Float32, by the names that its module has for them.
        mean, unit: Of the numbers that it predicts: it says ``(number - mean) / unit``. Of classes 0 and 1.
        share: How much its answer counts; those of all members sum to 1.
    """

    architecture: Architecture
    encoding: Encoding
    weights: Mapping[str, NDArray[np.float32]]
    mean: float = 0.0
    unit: float = 1.0
    share: float = 1.0

    @cached_property
    def module(self) -> "nn.Module":
        """The network, in float64: its answer for a row does not depend on the rows beside it."""
        import torch

        from nas_gym.tasks.device import alone

        last = max(self.weights, key=lambda name: int(name.partition(".")[0]))
        outputs = len(self.weights[last])
        with alone():
            module = build(self.architecture, (self.encoding.width,), outputs)
            module.load_state_dict({name: torch.from_numpy(values) for name, values in self.weights.items()})
            return module.double().eval()

    def outputs(self, cells: Cells) -> Numbers:
        """Return what the network says of rows, float64 ``(rows, outputs)``: logits, or numbers."""
        import torch

        features = torch.from_numpy(self.encoding.encode(cells)).double()
        with torch.inference_mode():
            outputs: Numbers = self.module(features).numpy()
        return outputs * self.unit + self.mean

    def __getstate__(self) -> dict[str, object]:
        """Leave the module behind: it is built anew."""
        return {name: value for name, value in self.__dict__.items() if name != "module"}


@dataclass(frozen=True, slots=True)
class KeptMember:
    """What is written down of a member, beside its weights."""

    architecture: tuple[str, ...]
    encoding: Encoding
    mean: float
    unit: float
    share: float


@dataclass(frozen=True, slots=True)
class KeptTable:
    """What is written down of a model, beside its weights."""

    format: int
    task: str
    columns: tuple[Column, ...]
    members: tuple[KeptMember, ...]
    classes: tuple[object, ...]
    favour: tuple[float, ...]
    target: str
    metric: str
    scores: Mapping[str, float]
    weights_sha256: str


@dataclass(frozen=True, eq=False)
class TableModel:
    """Answers for the rows of a table; needs neither the data nor the search that it comes from.

    Attributes:
        columns: What the table's columns are called, and which hold numbers.
        members: The networks.
        classes: Names of the classes in order, strings or numbers; ``None`` where numbers are predicted.
        favour: How much the probability of each class counts when one is chosen, ``(classes,)``: 1 each for
            the likeliest.
        target: Name of what is predicted, if it has one.
        metric: Name of what it was chosen by.
        scores: What it reached on rows that the networks were not trained on, by metric.
    """

    columns: tuple[Column, ...]
    members: tuple[Member, ...]
    classes: tuple[object, ...] | None = None
    favour: tuple[float, ...] = ()
    target: str = ""
    metric: str = ""
    scores: Mapping[str, float] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write a folder of JSON and weights, whole or not at all; a model that is there is replaced.

        Raises:
            KeptNetworkError: If something else is there, or the folder cannot be written.
        """
        from safetensors.numpy import save

        members = enumerate(self.members)
        content = save(
            {f"{i}.{name}": values for i, each in members for name, values in each.weights.items()}
        )
        members_kept = tuple(
            KeptMember(each.architecture.tokens, each.encoding, each.mean, each.unit, each.share)
            for each in self.members
        )
        known = KeptTable(
            FORMAT,
            REGRESSION if self.classes is None else CLASSIFICATION,
            self.columns,
            members_kept,
            self.classes or (),
            self.favour,
            self.target,
            self.metric,
            self.scores,
            checksum(content),
        )
        write_kept(Path(path), TABLE, lambda folder: fill_with(folder, TABLE, known, content))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what ``save`` wrote.

        Args:
            path: The folder, or that of a fit, whose model is in its ``winner``.

        Raises:
            KeptNetworkError: If a file is missing, damaged, of another format, or not of this model.
        """
        from safetensors.numpy import load

        given = Path(path).expanduser()
        folder = _folder_of(given)
        if not (folder / TABLE).is_file():
            raise KeptNetworkError(f"{given} holds no model of a table: {TABLE} is missing")
        known = read_record(folder / TABLE, KeptTable, FORMAT, "the model of a table")
        content = read_weights(folder, TABLE, known.weights_sha256)
        weights: list[dict[str, NDArray[np.float32]]] = [{} for _ in known.members]
        for name, values in load(content).items():
            member, _, inner = name.partition(".")
            weights[int(member)][inner] = values
        members = tuple(
            Member(
                Architecture(MlpSpace.id, each.architecture),
                each.encoding,
                of_it,
                each.mean,
                each.unit,
                each.share,
            )
            for each, of_it in zip(known.members, weights, strict=True)
        )
        classes = known.classes if known.task == CLASSIFICATION else None
        return cls(known.columns, members, classes, known.favour, known.target, known.metric, known.scores)

    def predict_proba(self, X: object) -> Numbers:
        """Return the probability of each class, float64 ``(rows, classes)``."""
        return answers_of(self, read_cells(X, self.columns))

    def predict(self, X: object) -> NDArray[np.generic]:
        """Return a class, or a number, for each row.

        Raises:
            InvalidDataError: If it is not a table with the columns that the networks were trained on.
        """
        if self.classes is None:
            return np.asarray(answers_of(self, read_cells(X, self.columns))[:, 0])
        return np.asarray(self.classes)[decide(self.predict_proba(X), self.favour)]

    @property
    def architectures(self) -> list[str]:
        """Texts of the networks, those that count most first, each once."""
        shares: dict[str, float] = {}
        for member in self.members:
            text = str(member.architecture)
            shares[text] = shares.get(text, 0.0) + member.share
        return sorted(shares, key=lambda text: -shares[text])


def answers_of(model: TableModel, cells: Cells) -> Numbers:
    """Return what a model says of rows: probabilities ``(rows, classes)``, or numbers ``(rows, 1)``."""
    said = [each.outputs(cells) for each in model.members]
    if model.classes is not None:
        said = [probabilities(outputs) for outputs in said]
    return mixture(said, [each.share for each in model.members])


def is_table_model(path: str | Path) -> bool:
    """Say whether a folder, or the winner in the folder of a fit, is the model of a table."""
    return (_folder_of(Path(path).expanduser()) / TABLE).is_file()


def _folder_of(given: Path) -> Path:
    return given / WINNER if (given / WINNER / TABLE).is_file() else given


def probabilities(logits: Numbers) -> Numbers:
    """Return the softmax of logits ``(rows, classes)``."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def mixture(answers: Sequence[Numbers], shares: Sequence[float]) -> Numbers:
    """Return the weighted sum of answers of the same shape."""
    return np.asarray(sum(share * answer for share, answer in zip(shares, answers, strict=True)))


def decide(known: Numbers, favour: Sequence[float]) -> NDArray[np.int64]:
    """Return the number of the class that is chosen for each row of probabilities."""
    return np.asarray((known * np.asarray(favour)).argmax(axis=1), dtype=np.int64)
