"""What a kept network says of validation data: where it errs, and how sure it is of that."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas_gym.datasets.base import Dataset, Split
from nas_gym.datasets.images.reading import ImageReading
from nas_gym.datasets.tables.numbers import NumericDataset
from nas_gym.datasets.texts.corpus import Corpus
from nas_gym.kept.language_model import KeptLanguageModel
from nas_gym.kept.network import KeptNetwork
from nas_gym.kept.samples import KeptClassifier, KeptRegressor
from nas_gym.pages.panels import Panel
from nas_gym.pages.prediction_panels import (
    calibration,
    confusion,
    predicted_and_true,
    regions,
)
from nas_gym.studies.report.pictures import Pixels, data_uri_of, of_sample
from nas_gym.tasks.base import AnyData

MOST_ERRORS = 12
OPENING, WRITTEN = 12, 60
"""Tokens of a text that a language model is given, and that it writes."""


@dataclass(frozen=True, slots=True)
class SureError:
    """A sample that a network is wrong about.

    Attributes:
        picture: The image, as a data URI.
        said: Which class it took it for.
        sure: With which probability.
        true: Which class it is.
    """

    picture: str
    said: str
    sure: float
    true: str


@dataclass(frozen=True, slots=True)
class Writing:
    """A text that a language model went on with."""

    opening: str
    written: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """What there is to show.

    Attributes:
        rows: On what, for readers.
        panels: Figures.
        errors: Images it is surest of and yet wrong about, the surest first.
        wrong: How many samples it is wrong about, of those that have a picture.
        writing: What a language model writes; ``None`` if it is none.
    """

    rows: str
    panels: Sequence[Panel] = ()
    errors: Sequence[SureError] = ()
    wrong: int = 0
    writing: Writing | None = None


def insight_of(network: KeptNetwork, data: AnyData) -> Insight | None:
    """Ask a network about the validation part of what it learned; ``None`` if it answers with something else.

    Args:
        network: Kept by the study.
        data: What it learned. The test part is not looked at.
    """
    for kind, tell in TELLERS.items():
        if isinstance(network, kind):
            return tell(network, data)
    return None


def _of_classifier(network: KeptNetwork, data: AnyData) -> Insight:
    assert isinstance(data, Dataset)
    part, names = data.validation, network.classes
    probabilities = network.predict_proba(_raw(network, part))
    labels = part.labels.astype(np.int64)
    panels = [confusion(names, labels, probabilities), calibration(labels, probabilities)]
    if part.features.shape[1:] == (2,):
        panels.insert(0, regions(names, part.features.astype(np.float32), labels, network.predict_proba))
    errors, wrong = _sure_errors(network, part, probabilities)
    return Insight(rows=_rows(part), panels=panels, errors=errors, wrong=wrong)


def _of_regressor(network: KeptNetwork, data: AnyData) -> Insight:
    assert isinstance(data, NumericDataset)
    part = data.validation
    true = part.labels.astype(np.float64) * data.unit + data.mean
    said = network.predict(_raw(network, part)).astype(np.float64)
    return Insight(rows=_rows(part), panels=[predicted_and_true(true, said)])


def _of_language_model(network: KeptNetwork, data: AnyData) -> Insight:
    assert isinstance(data, Corpus) and isinstance(network, KeptLanguageModel)
    opening = data.reading.text_of(data.validation[:OPENING].tolist())
    writing = Writing(opening, network.continuation(opening, WRITTEN))
    return Insight(rows=f"{len(data.validation):,} validation tokens", writing=writing)


TELLERS: dict[type[KeptNetwork], Callable[[KeptNetwork, AnyData], Insight]] = {
    KeptClassifier: _of_classifier,
    KeptRegressor: _of_regressor,
    KeptLanguageModel: _of_language_model,
}


def _rows(part: Split) -> str:
    return f"{len(part):,} validation rows"


def _raw(network: KeptNetwork, part: Split) -> NDArray[np.generic]:
    """Return samples as a kept network is given them: of images, channels come last."""
    if isinstance(network.description.interface.reading, ImageReading):
        return part.features.transpose(0, 2, 3, 1)
    return part.features


def _sure_errors(
    network: KeptNetwork, part: Split, probabilities: NDArray[np.float64]
) -> tuple[list[SureError], int]:
    reading = network.description.interface.reading
    if not isinstance(reading, ImageReading):
        return [], 0
    said, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(said != part.labels)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:MOST_ERRORS].tolist()
    pixels: Pixels = part.features.astype(np.uint8)
    errors = [
        SureError(
            data_uri_of(of_sample(pixels[row], reading.largest)),
            network.classes[said[row]],
            float(sure[row]),
            network.classes[int(part.labels[row])],
        )
        for row in worst
    ]
    return errors, len(wrong)
