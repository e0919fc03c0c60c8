"""WHAT WENT WRONG? Every error that the agents raise on purpose, one line each."""

from collections.abc import Iterator
from contextlib import contextmanager


class AgentError(Exception):
    """Root of all errors of the agents: the message says what came and what is allowed."""


class InvalidArgumentError(AgentError, ValueError):
    """An argument is unknown, of the wrong type or out of range."""


class MissingPackageError(AgentError, ImportError):
    """What was asked for needs a package that an extra installs."""


class CheckpointError(AgentError):
    """A file is no checkpoint of this agent, or one that does not fit."""


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Have imports within say in one line which command installs what is missing.

    Args:
        extra: The extra that installs what is imported.
        what: What cannot be done without it, the subject of the line.

    Raises:
        MissingPackageError: If a package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "agents":
            raise  # a fault of our own
        raise MissingPackageError(
            f"{what} needs {error.name}, which is not installed: pip install 'nas_gym[{extra}]'"
        ) from None
