"""What Gymnasium remembers of how an environment was made, as JSON too where it was with arrays."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.envs.registration import EnvSpec

from nas_gym.errors import InvalidArgumentError
from nas_gym.files import absolute_paths


class NasSpec(EnvSpec):
    """Gymnasium's specification; its JSON has arrays, tables and NumPy's numbers as lists and numbers."""

    def to_json(self) -> str:
        """Return it as JSON, which ``EnvSpec.from_json`` reads: the environment made of that is the same.

        Raises:
            InvalidArgumentError: If a keyword is neither data nor a name nor a mapping of such.
        """
        kwargs = {name: _plain(name, value) for name, value in absolute_paths(self.kwargs).items()}
        return EnvSpec(**_values(self) | {"kwargs": kwargs}).to_json()

    def __eq__(self, other: object) -> bool:
        """Say whether two are the same; Gymnasium's own, with the same entries, is."""
        return isinstance(other, EnvSpec) and _values(self) == _values(other)

    __hash__ = None  # type: ignore[assignment] # as that of Gymnasium's


class RemembersSpec:
    """Keeps what Gymnasium sets as ``spec``, able to be written as JSON."""

    _spec: NasSpec | None = None

    @property
    def spec(self) -> EnvSpec | None:
        """How the environment was made, ``None`` if not by Gymnasium."""
        return self._spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = None if spec is None else NasSpec(**_values(spec))


def _values(spec: EnvSpec) -> dict[str, Any]:
    return {field.name: getattr(spec, field.name) for field in fields(EnvSpec) if field.init}


def _plain(name: str, value: object) -> object:
    """Return what JSON has for a keyword's value."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(f"{name}.{key}", each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(name, each) for each in value]
    if isinstance(value, np.generic) or hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype.kind in "biufU":
            return array.tolist()
        if array.dtype.kind == "O":
            return [_plain(name, each) for each in array.tolist()]
    raise InvalidArgumentError(f"{name} cannot be written as JSON, it is of type {type(value).__name__}")
