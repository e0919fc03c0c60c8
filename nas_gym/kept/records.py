"""Frozen dataclasses as JSON and back; JSON of another shape is refused."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from nas_gym.files import Json

Record = TypeVar("Record")


def to_json(record: "DataclassInstance") -> "dict[str, Json]":
    """Return a record as JSON; of a kind that a union tells apart, ``kind`` is noted, too."""
    return {field.name: _noted(getattr(record, field.name)) for field in fields(record)}


def _noted(value: Any) -> "Json":  # noqa: ANN401 - what the fields of a record hold
    if isinstance(value, tuple):
        return [_noted(each) for each in value]
    if not is_dataclass(value):
        return value  # type: ignore[no-any-return] # records hold JSON's types and other records
    kind = {"kind": value.kind} if hasattr(value, "kind") else {}
    return kind | {field.name: _noted(getattr(value, field.name)) for field in fields(value)}


def of_json(kind: type[Record], values: object) -> Record:
    """Return the record that JSON describes.

    Raises:
        ValueError: If something is missing, unknown, or of another type; it says what.
    """
    found: Record = _read(kind, values, "the whole")
    return found


def _read(kind: Any, value: object, name: str) -> Any:  # noqa: ANN401 - a type hint is no type
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _record(kind, value, name)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(inner[0], each, name) for each in value)
    if origin is Mapping and isinstance(value, dict):
        return {each: _read(inner[1], of_it, name) for each, of_it in value.items()}
    if origin is Literal and value in inner:
        return value
    if origin is UnionType and isinstance(value, dict):
        chosen = [each for each in inner if each.kind == value.get("kind")]
        if chosen:
            return _record(chosen[0], {n: v for n, v in value.items() if n != "kind"}, name)
    if kind is object or (kind in (int, str, bool) and type(value) is kind):
        return value
    if kind is float and type(value) in (int, float):
        return float(value)  # type: ignore[arg-type] # a number, as has just been seen
    raise ValueError(f"{name} is {str(value)[:40]!r}")


def _record(kind: Any, values: object, name: str) -> Any:  # noqa: ANN401
    if not isinstance(values, dict):
        raise ValueError(f"{name} is {str(values)[:40]!r}")
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]
    for wrong, what in ((set(names) - set(values), "is missing"), (set(values) - set(names), "is unknown")):
        if wrong:
            raise ValueError(f"{min(wrong)} {what}")
    return kind(**{each: _read(hints[each], values[each], each) for each in names})
