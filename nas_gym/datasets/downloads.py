"""Opens files in the data folder, checks that they are the published ones, and downloads missing ones."""

import hashlib
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from nas_gym.datasets.folder import data_folder
from nas_gym.errors import MissingDataError
from nas_gym.files import write_atomically

TIMEOUT_SECONDS = 60.0


def open_or_download_files(name: str, checksums: Mapping[str, str], address: str) -> list[bytes]:
    """Return the contents of files that are looked for in ``data_folder() / name``.

    Args:
        name: Name of the data set, and of its folder.
        checksums: SHA-256 of each file, in hexadecimal digits, by the file's name.
        address: Where missing files are downloaded from: the part of the address before their names.

    Returns:
        The contents in the order of ``checksums``.

    Raises:
        MissingDataError: If a file is not there and cannot be downloaded, or is not the published one.
    """
    folder = data_folder() / name
    return [_open(folder / file, checksum, address + file) for file, checksum in checksums.items()]


def _open(path: Path, checksum: str, address: str) -> bytes:
    name = path.parent.name
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return _download(path, checksum, address)
    except OSError as error:
        raise MissingDataError(f"{path} of {name} cannot be read: {error.strerror}") from None
    if hashlib.sha256(content).hexdigest() != checksum:
        raise MissingDataError(
            f"{path} is not the published file of {name}: its SHA-256 must begin with {checksum[:16]}; "
            "delete it, so that it is downloaded anew"
        )
    return content


def _download(path: Path, checksum: str, address: str) -> bytes:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urlopen(address, timeout=TIMEOUT_SECONDS) as answer:
            content: bytes = answer.read()
        if hashlib.sha256(content).hexdigest() != checksum:
            raise ValueError("what came is not the published file")
        write_atomically(path, lambda temporary: temporary.write_bytes(content))
    except (OSError, HTTPException, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MissingDataError(
            f"{path.name} of {path.parent.name} is not in {path.parent}, and downloading it from {address} "
            f"failed ({reason}); connect to the internet, or set NAS_GYM_DATA to the folder that holds "
            f"{path.parent.name}/{path.name}"
        ) from None
    return content
