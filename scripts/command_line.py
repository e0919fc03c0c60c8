"""Turns a dataclass of arguments into a command, and errors into one line each."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import gymnasium as gym
import tyro

from agents import AgentError
from nas_gym import NasGymError
from nas_gym.errors import InvalidArgumentError

Args = TypeVar("Args")
INTERRUPTED = 130
SAME_COMMAND = "the same command goes on where it stopped"
RESUME = "--resume goes on where it stopped"
PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}


@dataclass
class SearchArgs:
    """What to search, how long, and where to write: arguments of both training scripts."""

    env: str = "NAS-Moons-v0"
    """Id of the environment."""
    episodes: int = 5000
    """Number of architectures to propose; sentences with an illegal token count."""
    seed: int = 0
    """Seed of the agent."""
    run_dir: Path | None = None
    """Folder of the run; by default runs/<env>/<agent>/<seed>."""
    resume: bool = False
    """Go on with the run that the folder holds; one that was never interrupted ends the same."""
    store: Path | None = None
    """SQLite file that keeps every evaluation, also of other runs, and trains none twice; by default
    evaluations.sqlite in the folder of the run."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environment as name=value, the values in JSON, e.g. noise=0.3 widths=[4,8]."""


def run(
    args_class: type[Args], main: Callable[[Args], int], description: str, go_on: str | None = None
) -> None:
    """Parse the command line, call ``main``, and exit with what it returns.

    An error that nas_gym, the agents or Gymnasium raise on purpose, and a file that cannot be read or
    written, become one line on standard error and exit code 2. Ctrl-C becomes a line that tells how to
    ``go_on``, and exit code ``INTERRUPTED``.
    """
    args = tyro.cli(args_class, description=description)
    try:
        code = main(args)
    except (NasGymError, AgentError, gym.error.Error, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("interrupted" if go_on is None else f"interrupted; {go_on}", file=sys.stderr)
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
