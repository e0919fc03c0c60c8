"""Networks that answer samples: with a class, or with a number."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nas_gym.datasets.images.reading import ImageReading
from nas_gym.datasets.texts.reading import TextReading
from nas_gym.errors import KeptNetworkError
from nas_gym.kept.description import Description
from nas_gym.kept.network import KeptNetwork, OnnxForm, Probabilities, Raw
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.supervised.batches import Samples, normalised, scale_and_shift
from nas_gym.tasks.supervised.scores import Outputs
from nas_gym.tasks.supervised.training import outputs_of

EXAMPLES = 16
"""Random samples that another form of a network is compared on."""


class OnPixels(nn.Module):
    """A network that is given pixels as files have them, and normalises them as in training.

    Args:
        network: What reads normalised images.
        reading: What they are normalised with.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, network: nn.Module, reading: ImageReading) -> None:
        super().__init__()
        self.network = network
        scale, shift = scale_and_shift(torch.tensor(reading.mean), torch.tensor(reading.std))
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("shift", shift, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return outputs for images ``(batch, channels, height, width)``, of any type."""
        outputs: Tensor = self.network(normalised(images, self.scale, self.shift))
        return outputs


class KeptSampleNetwork(KeptNetwork):
    """A network that says numbers of each sample."""

    @classmethod
    def build(
        cls, description: Description, search_space: SearchSpace, architecture: Architecture
    ) -> nn.Module:
        """Build the network of an architecture; as in training, channels come last in memory."""
        inputs = description.interface.inputs
        search_space.check_inputs(inputs)
        network: nn.Module = search_space.build(architecture, inputs, description.interface.outputs)
        return network.to(memory_format=torch.channels_last)

    @classmethod
    def around(cls, description: Description, network: nn.Module) -> nn.Module:
        """Return what normalises images first."""
        reading = description.interface.reading
        return OnPixels(network, reading) if isinstance(reading, ImageReading) else network

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """What it has learned, by the names that a network of its architecture has for it."""
        network = self.module.network if isinstance(self.module, OnPixels) else self.module
        return network.state_dict()

    def outputs(self, raw: Raw) -> Outputs:
        """Return what the network says of samples, ``(samples, outputs)``, as it was judged in its study."""
        features = self._read(raw).to(self.device)
        if not len(features):
            return np.empty((0, self.description.interface.outputs), np.float32)
        samples = Samples(features, torch.zeros(len(features)))
        half = self.description.interface.precision == "bfloat16"
        return outputs_of(self.module, samples, torch.bfloat16 if half else None)

    def _read(self, raw: Raw) -> Tensor:
        reading = self.description.interface.reading
        if isinstance(reading, TextReading):
            raise KeptNetworkError(f"a network of the task {self.description.task} reads no text")
        return torch.from_numpy(reading.read(raw))  # type: ignore[arg-type] # it says itself what is wrong

    def _examples(self, raw: Raw | None) -> tuple[str, Tensor]:
        """Return what the input is called, and samples: those that are given, or random ones."""
        reading, generator = self.description.interface.reading, torch.Generator().manual_seed(0)
        shape = (EXAMPLES, *self.description.interface.inputs)
        if isinstance(reading, ImageReading):
            drawn = torch.randint(reading.largest + 1, shape, generator=generator, dtype=torch.uint8)
            return "images", drawn if raw is None else self._read(raw)
        return "features", torch.randn(shape, generator=generator) if raw is None else self._read(raw)


class KeptClassifier(KeptSampleNetwork):
    """A network that says which class a sample belongs to."""

    def predict(self, raw: Raw) -> NDArray[np.str_]:
        """Return the name of the likeliest class of each sample, shape ``(samples,)``."""
        named: NDArray[np.str_] = np.array(self.classes)[self.outputs(raw).argmax(axis=1)]
        return named

    def predict_proba(self, raw: Raw) -> Probabilities:
        """Return the probability of each class, float64, shape ``(samples, classes)``."""
        logits = torch.from_numpy(self.outputs(raw)).double()
        return np.asarray(logits.softmax(dim=1).numpy())

    def onnx_form(self, raw: Raw | None = None) -> OnnxForm:
        """Return what says probabilities."""
        name, samples = self._examples(raw)
        module = nn.Sequential(self.module, nn.Softmax(dim=1)).eval()
        return OnnxForm(module, {name: samples}, ["probabilities"], {name: 0, "probabilities": 0}, {})


class InUnits(nn.Module):
    """A network whose number is told in the units of its data.

    Args:
        network: What says a standardised number.
        mean: Of the training part's numbers.
        unit: Their standard deviation.
    """

    def __init__(self, network: nn.Module, mean: float, unit: float) -> None:
        super().__init__()
        self.network, self.mean, self.unit = network, mean, unit

    def forward(self, features: Tensor) -> Tensor:
        """Return numbers, ``(batch,)``."""
        outputs: Tensor = self.network(features)
        return outputs[:, 0] * self.unit + self.mean


class KeptRegressor(KeptSampleNetwork):
    """A network that says the number that belongs to a sample."""

    def predict(self, raw: Raw) -> NDArray[np.float64]:
        """Return a number for each sample, in the units of the data, shape ``(samples,)``."""
        interface = self.description.interface
        return self.outputs(raw)[:, 0].astype(np.float64) * interface.unit + interface.mean

    def onnx_form(self, raw: Raw | None = None) -> OnnxForm:
        """Return what says numbers in the units of the data."""
        (name, samples), interface = self._examples(raw), self.description.interface
        module = InUnits(self.module, interface.mean, interface.unit).eval()
        return OnnxForm(module, {name: samples}, ["numbers"], {name: 0, "numbers": 0}, {})
