"""What a network reads and what its outputs mean, as plain data: what is known of a task once it is over."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from nas_gym.datasets.features import FeatureReading
from nas_gym.datasets.images.reading import ImageReading
from nas_gym.datasets.texts.reading import TextReading

Reading: TypeAlias = ImageReading | TextReading | FeatureReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """What has to be known of a task to use a network that learned it.

    Attributes:
        inputs: Shape of one sample; of a language model the width, ``(units,)``.
        outputs: Numbers that the network says of a sample, or the size of the vocabulary.
        reading: How raw input becomes samples.
        classes: Names of the classes in the order of the outputs; empty if there are none.
        mean: What is added to an output that was multiplied with ``unit``, where numbers are learned.
        unit: Standard deviation of the numbers that were learned.
        layers: Recurrent layers of a language model.
        tied: Whether its output weights are those of the embedding.
        precision: What the network was judged in.
    """

    inputs: tuple[int, ...]
    outputs: int
    reading: Reading
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    unit: float = 1.0
    layers: int = 1
    tied: bool = False
    precision: Literal["float32", "bfloat16"] = "float32"
