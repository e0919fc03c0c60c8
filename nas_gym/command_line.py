"""From the words of a command line to a call, and from an error to one line."""

import json
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar

import gymnasium as gym
import tyro

from nas_gym.errors import InvalidArgumentError, NasGymError
from nas_gym.extras import agents_fault

if TYPE_CHECKING:
    from nas_gym.files import Json

Args = TypeVar("Args")
INTERRUPTED = 130
SAME_COMMAND = "the same command goes on where it stopped"
RESUME = "--resume goes on where it stopped"
PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


class Command(Protocol):
    """A dataclass of arguments that can be run.

    Attributes:
        go_on: What to say to whoever interrupted it, ``None`` if there is nothing to say.
    """

    go_on: ClassVar[str | None]

    def run(self) -> int:
        """Do what the arguments say; return an exit code."""
        ...


def run(
    args_class: type[Args], main: Callable[[Args], int], description: str | None, go_on: str | None = None
) -> None:
    """Parse the command line, call ``main``, and exit with what it returns, see ``end_with``."""
    args = tyro.cli(args_class, description=description)
    end_with(lambda: main(args), go_on)


def end_with(main: Callable[[], int], go_on: str | None) -> None:
    """Exit with what a function returns.

    An error that nas_gym, the agents or Gymnasium raise on purpose, a file that cannot be read or written,
    and another package in the place of our ``agents`` become one line on standard error and exit code 2.
    Ctrl-C becomes a line that tells how to ``go_on``, and exit code ``INTERRUPTED``.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that knows few characters shall not end a run
    try:
        code = main()
    except KeyboardInterrupt:
        print("interrupted" if go_on is None else f"interrupted; {go_on}", file=sys.stderr)
        code = INTERRUPTED
    except Exception as error:
        line = _line_of(error)
        if line is None:
            raise
        print(f"error: {' '.join(line.split())}", file=sys.stderr)
        code = 2
    sys.exit(code)


def _line_of(error: Exception) -> str | None:
    """Return what to tell of an error, ``None`` if nobody has raised it on purpose."""
    if isinstance(error, (NasGymError, gym.error.Error, OSError)):
        return str(error)
    fault = agents_fault()
    if fault is not None:
        return fault if isinstance(error, ImportError) else None
    from agents.errors import AgentError  # imports PyTorch, which other commands may not need

    return str(error) if isinstance(error, AgentError) else None


def parse_keywords(pairs: Sequence[str]) -> "dict[str, Json]":
    """Read ``name=value`` pairs; ``part.name=value`` is a keyword of a part.

    A value is JSON or True, False, None, or text where it is none of these.

    Raises:
        InvalidArgumentError: If a pair has no ``=``, or a name is given twice, or both as a value and with
            keywords of its own.
    """
    values: dict[str, Json] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not all(name.split(".")):
            raise InvalidArgumentError(f"keywords are given as name=value or part.name=value, got {pair!r}")
        try:
            value = json.loads(PYTHON_WORDS.get(text, text))
        except json.JSONDecodeError:
            value = text
        if name in values:
            raise InvalidArgumentError(f"{name} is given twice, as {values[name]!r} and as {value!r}")
        values[name] = value
    keywords: dict[str, Json] = {}
    for name, value in values.items():
        *parts, last = name.split(".")
        inner = keywords
        for depth in range(len(parts)):
            part = ".".join(parts[: depth + 1])
            if part in values:
                raise InvalidArgumentError(
                    f"{part} is given as {values[part]!r} and with a keyword of its own, {name}; beside that "
                    f"it is {part}.name={values[part]}"
                )
            inner = inner.setdefault(parts[depth], {})  # type: ignore[assignment] # made here, so a dict
        inner[last] = value
    return keywords
