"""Turns a dataclass of arguments into a command, and errors into one line each."""

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gymnasium as gym
import tyro

from agents import AgentError
from nas_gym import NasGymError
from nas_gym.errors import InvalidArgumentError

Args = TypeVar("Args")
INTERRUPTED = 130
PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


def run(args_class: type[Args], main: Callable[[Args], int], description: str) -> None:
    """Parse the command line, call ``main``, and exit with what it returns.

    An error that nas_gym, the agents or Gymnasium raise on purpose, and a file that cannot be read or
    written, become one line on standard error and exit code 2.
    """
    args = tyro.cli(args_class, description=description)
    try:
        code = main(args)
    except (NasGymError, AgentError, gym.error.Error, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = INTERRUPTED
    sys.exit(code)


def parse_keywords(pairs: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` pairs; a value is JSON or True, False, None, or text where it is none of these.

    Raises:
        InvalidArgumentError: If a pair has no ``=``.
    """
    keywords = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise InvalidArgumentError(f"keywords are given as name=value, got {pair!r}")
        try:
            keywords[name] = json.loads(PYTHON_WORDS.get(text, text))
        except json.JSONDecodeError:
            keywords[name] = text
    return keywords
