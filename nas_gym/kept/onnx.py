"""A kept network for other programs: one ONNX file, compared with PyTorch before it is there."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from warnings import catch_warnings, simplefilter

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas_gym.errors import ExportError
from nas_gym.extras import needs
from nas_gym.files import write_atomically
from nas_gym.kept.network import KeptNetwork, OnnxForm, Raw
from nas_gym.tasks.device import alone

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

LARGEST_DIFFERENCE = 1e-4
"""Between PyTorch and ONNX, of values below 1; of larger ones as a share of the value."""
STEPS = 4
"""Steps that a network with a state is compared over."""
Arrays = dict[str, NDArray[np.generic]]


def export_onnx(network: KeptNetwork, file: str | Path, samples: Raw | None = None) -> float:
    """Write a network as ONNX, with its preprocessing; nothing is written if it does not say the same.

    A network of images reads ``images``, uint8 ``(batch, channels, height, width)`` with values as files have
    them, one of numbers ``features``; they say ``probabilities``, classes in the order of the metadata, or
    ``numbers``. A language model is one step: ``token``, ``hidden`` and ``cell`` (zeros at the start) to
    ``log_probabilities``, ``next_hidden`` and ``next_cell``. Every batch axis is of any size. Metadata hold
    search space, architecture, classes or vocabulary, scores and version.

    Args:
        network: What to write.
        file: Where.
        samples: What to compare on, by default random samples.

    Returns:
        The largest difference between what PyTorch and onnxruntime say, see ``LARGEST_DIFFERENCE``.

    Raises:
        MissingPackageError: If a package is not installed.
        ExportError: If the network cannot be written, or it says something else.
    """
    with needs("export", "ONNX"):
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401 - PyTorch needs it
    with alone(), TemporaryDirectory() as folder:
        target, form = Path(file), network.onnx_form(samples)
        made = Path(folder) / "network.onnx"
        with _on_processor(form), _quiet():
            _export(form, made)
            model = onnx.load(made)
            onnx.helper.set_model_props(model, _metadata(network))
            content = model.SerializeToString()
            session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
            difference = _difference(form, session)
    if not difference <= LARGEST_DIFFERENCE:
        raise ExportError(
            f"onnxruntime and PyTorch differ by {difference:.1e}, at most {LARGEST_DIFFERENCE:.0e} is "
            f"allowed; {target} is not written"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, lambda temporary: temporary.write_bytes(content))
    return difference


def _export(form: OnnxForm, file: Path) -> None:
    batch = torch.export.Dim("batch")
    shapes = tuple({form.batch_axes[name]: batch} for name in form.inputs)
    # One sample would be taken for a promise that there is always one.
    examples = tuple(torch.cat([value, value], form.batch_axes[name]) for name, value in form.inputs.items())
    try:
        torch.onnx.export(
            form.module,
            examples,
            file,
            input_names=list(form.inputs),
            output_names=list(form.outputs),
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    except Exception as error:  # whatever an operation raises that cannot be translated
        why = " ".join(str(error.__cause__ or error).split())[:300]
        raise ExportError(f"the network cannot be written as ONNX: {why}") from None


def _difference(form: OnnxForm, session: "InferenceSession") -> float:
    """Return the largest difference on the examples: all at once, one alone, and over steps of a state."""
    largest = 0.0
    for count in (None, 1):
        inputs = {
            name: value.narrow(form.batch_axes[name], 0, count or value.shape[form.batch_axes[name]])
            for name, value in form.inputs.items()
        }
        theirs = {name: value.numpy() for name, value in inputs.items()}
        for _ in range(STEPS if form.feedback else 1):
            with torch.inference_mode():
                said = form.module(*inputs.values())
            ours = dict(zip(form.outputs, said if isinstance(said, tuple) else (said,), strict=True))
            others: Arrays = dict(zip(form.outputs, session.run(list(form.outputs), theirs), strict=True))
            largest = max(largest, *(_gap(ours[name], others[name]) for name in form.outputs))
            inputs |= {name: ours[output] for output, name in form.feedback.items()}
            theirs |= {name: others[output] for output, name in form.feedback.items()}
    return largest


def _gap(ours: Tensor, theirs: NDArray[np.generic]) -> float:
    one, other = ours.double().numpy(), theirs.astype(np.float64)
    if one.shape != other.shape:
        return float("inf")
    return float((np.abs(one - other) / np.maximum(1.0, np.abs(one))).max())


def _metadata(network: KeptNetwork) -> dict[str, str]:
    known = network.description
    lists = {
        "classes": known.interface.classes,
        "vocabulary": getattr(known.interface.reading, "vocabulary", ()),
    }
    return {
        "task": known.task,
        "search_space": known.search_space,
        "architecture": known.architecture,
        **{name: json.dumps(values, ensure_ascii=False) for name, values in lists.items() if values},
        "scores": json.dumps(known.scores),
        "env": known.env,
        "data": known.data,
        "nas_gym_version": known.versions.get("nas-gym", "unknown"),
    }


@contextmanager
def _on_processor(form: OnnxForm) -> Iterator[None]:
    """Have a module on the processor meanwhile, where onnxruntime is compared with it."""
    device = next((each.device for each in form.module.parameters()), torch.device("cpu"))
    form.module.cpu()
    try:
        yield
    finally:
        form.module.to(device)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what PyTorch's exporter tells of itself from the user, on whatever stream."""
    with catch_warnings(), open(os.devnull, "w") as nowhere:
        simplefilter("ignore")
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            yield
