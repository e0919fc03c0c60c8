"""The folder of a kept network: ``model.json`` and ``weights.safetensors``, no pickle."""

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from nas_gym.errors import KeptNetworkError, NasGymError
from nas_gym.files import write_folder_atomically, write_json
from nas_gym.kept.description import FORMAT, Description
from nas_gym.kept.records import of_json, to_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from torch import Tensor

DESCRIPTION, WEIGHTS, ENSEMBLE, WINNER = "model.json", "weights.safetensors", "ensemble.json", "winner"


def write_folder(path: Path, description: Description, weights: "Mapping[str, Tensor]") -> None:
    """Write a kept network, whole or not at all; one that is there is replaced.

    Args:
        path: The folder.
        description: What is known of the network; the checksum of the weights is added.
        weights: State of its module by name.

    Raises:
        KeptNetworkError: If something else is there, or the folder cannot be written.
    """
    from safetensors.torch import save

    # Tied weights are two tensors in one place, and convolutions' stand in another order: both are copied.
    content = save({name: value.detach().cpu().contiguous().clone() for name, value in weights.items()})
    write_parts(path, DESCRIPTION, replace(description, weights_sha256=checksum(content)), content)


def write_parts(path: Path, name: str, record: "DataclassInstance", content: bytes) -> None:
    """Write a folder of a record, as JSON, and weights; one with such a record is replaced.

    Args:
        path: The folder.
        name: Of the record's file.
        record: What is known beside the weights, their checksum too.
        content: The weights in safetensors' form.

    Raises:
        KeptNetworkError: If something else is there, or the folder cannot be written.
    """
    if path.exists() and not (path / name).is_file():
        raise KeptNetworkError(f"{path} is there and holds no {name}; it is not replaced")

    def write(folder: Path) -> None:
        (folder / WEIGHTS).write_bytes(content)
        write_json(folder / name, to_json(record))

    try:
        write_folder_atomically(path, write)
    except OSError as error:
        raise KeptNetworkError(f"{path} cannot be written: {error.strerror}") from None


def read_weights(path: Path, name: str, expected: str) -> bytes:
    """Return the weights in a folder, in safetensors' form.

    Args:
        path: The folder.
        name: Of the record's file beside them.
        expected: The checksum that stands there.

    Raises:
        KeptNetworkError: If they are missing, damaged or others.
    """
    try:
        content = (path / WEIGHTS).read_bytes()
    except OSError as error:
        raise KeptNetworkError(f"the weights {path / WEIGHTS} cannot be read: {error.strerror}") from None
    if checksum(content) != expected:
        raise KeptNetworkError(f"{path / WEIGHTS} is damaged, or belongs to another {name}")
    return content


def checksum(content: bytes) -> str:
    """Return the SHA-256 of weights, in hexadecimal digits."""
    return sha256(content).hexdigest()


def find_folder(path: str | Path) -> Path:
    """Return the folder of what is kept: the path itself, or that of the winner in the folder of a run.

    Raises:
        KeptNetworkError: If there is none.
    """
    given = Path(path).expanduser()
    for folder in (given, given / WINNER):
        if (folder / DESCRIPTION).is_file() or (folder / ENSEMBLE).is_file():
            return folder
    if given.name == WINNER and given.parent.is_dir():
        raise KeptNetworkError(f"{given.parent} has no winner yet: nas-gym retrain --run-dir {given.parent}")
    what = "holds neither a kept network nor a run with one" if given.is_dir() else "is no folder"
    raise KeptNetworkError(f"{given} {what}: {DESCRIPTION} is missing")


def read_folder(path: Path) -> "tuple[Description, Mapping[str, Tensor]]":
    """Return what is known of a kept network, and its weights.

    Raises:
        KeptNetworkError: If a file is missing, damaged, of another format, or not of this network.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    description = _read_description(path / DESCRIPTION)
    content = read_weights(path, DESCRIPTION, description.weights_sha256)
    try:
        return description, load(content)
    except SafetensorError as error:
        raise KeptNetworkError(f"{path / WEIGHTS} cannot be read: {error}") from None


def _read_description(file: Path) -> Description:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeptNetworkError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise KeptNetworkError(f"{file} is damaged: it is not JSON") from None
    version = values.get("format") if isinstance(values, dict) else None
    if type(version) is not int:
        raise KeptNetworkError(f"{file} does not describe a kept network: it has no format version")
    if version != FORMAT:
        raise KeptNetworkError(
            f"{file} has the format version {version}, this version of nas_gym reads {FORMAT} alone"
        )
    try:
        return of_json(Description, values)
    except (ValueError, NasGymError) as error:
        raise KeptNetworkError(f"{file} does not describe a kept network: {error}") from None
