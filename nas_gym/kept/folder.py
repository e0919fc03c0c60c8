"""The folder of what is kept: a record as JSON and ``weights.safetensors``, no pickle."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from nas_gym.errors import KeptNetworkError, NasGymError
from nas_gym.files import write_folder_atomically, write_json
from nas_gym.kept.description import FORMAT, Description
from nas_gym.kept.records import of_json, to_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from torch import Tensor

Record = TypeVar("Record", bound="DataclassInstance")
DESCRIPTION, ENSEMBLE, TABLE = "model.json", "ensemble.json", "table_model.json"
"""What stands in the folder of a network, of several that answer together, and of the model of a table."""
WEIGHTS, WINNER = "weights.safetensors", "winner"


def write_folder(path: Path, description: Description, weights: "Mapping[str, Tensor]") -> None:
    """Write a kept network, whole or not at all; one that is there is replaced.

    Args:
        path: The folder.
        description: What is known of the network; the checksum of the weights is added.
        weights: State of its module by name.

    Raises:
        KeptNetworkError: If something else is there, or the folder cannot be written.
    """
    write_kept(path, DESCRIPTION, lambda folder: fill_with_network(folder, description, weights))


def write_kept(path: Path, name: str, fill: Callable[[Path], object]) -> None:
    """Have a folder filled, whole or not at all; one with such a record is replaced.

    Args:
        path: The folder.
        name: Of the record's file.
        fill: Writes its files into an empty folder.

    Raises:
        KeptNetworkError: If something else is there, or the folder cannot be written.
    """
    check_place(path, name)
    try:
        write_folder_atomically(path, fill)
    except OSError as error:
        raise KeptNetworkError(f"{path} cannot be written: {error.strerror}") from None


def check_place(path: Path, name: str) -> None:
    """Refuse a place where something else is than a folder with such a record.

    Raises:
        KeptNetworkError: If so.
    """
    if path.exists() and not (path / name).is_file():
        raise KeptNetworkError(f"{path} is there and holds no {name}; it is not replaced")


def fill_with_network(folder: Path, description: Description, weights: "Mapping[str, Tensor]") -> str:
    """Write the files of a kept network into a folder, and return the checksum of its weights.

    Raises:
        OSError: If that fails.
    """
    from safetensors.torch import save

    # Tied weights are two tensors in one place, and convolutions' stand in another order: both are copied.
    content = save({name: value.detach().cpu().contiguous().clone() for name, value in weights.items()})
    known = replace(description, weights_sha256=checksum(content))
    fill_with(folder, DESCRIPTION, known, content)
    return known.weights_sha256


def fill_with(folder: Path, name: str, record: "DataclassInstance", content: bytes) -> None:
    """Write a record, as JSON, and weights into a folder.

    Args:
        folder: Where.
        name: Of the record's file.
        record: What is known beside the weights, their checksum too.
        content: The weights in safetensors' form.

    Raises:
        OSError: If that fails.
    """
    folder.mkdir(exist_ok=True)
    (folder / WEIGHTS).write_bytes(content)
    write_json(folder / name, to_json(record))


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

    description = read_record(path / DESCRIPTION, Description, FORMAT, "a kept network")
    content = read_weights(path, DESCRIPTION, description.weights_sha256)
    try:
        return description, load(content)
    except SafetensorError as error:
        raise KeptNetworkError(f"{path / WEIGHTS} cannot be read: {error}") from None


def read_record(file: Path, kind: type[Record], version: int, what: str) -> Record:
    """Return a record that stands in a file as JSON.

    Args:
        file: The file.
        kind: Of the record; it has a ``format``.
        version: The only format that is read.
        what: What the record describes, for errors.

    Raises:
        KeptNetworkError: If the file is missing, damaged, of another format, or describes something else.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeptNetworkError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError:
        raise KeptNetworkError(f"{file} is damaged: it is not JSON") from None
    found = values.get("format") if isinstance(values, dict) else None
    if type(found) is not int:
        raise KeptNetworkError(f"{file} does not describe {what}: it has no format version")
    if found != version:
        raise KeptNetworkError(
            f"{file} has the format version {found}, this version of nas_gym reads {version} alone"
        )
    try:
        return of_json(kind, values)
    except (ValueError, NasGymError) as error:
        raise KeptNetworkError(f"{file} does not describe {what}: {error}") from None
