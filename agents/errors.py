"""WHAT WENT WRONG? Every error that the agents raise on purpose, one line each."""


class AgentError(Exception):
    """Root of all errors of the agents: the message says what came and what is allowed."""


class InvalidArgumentError(AgentError, ValueError):
    """An argument is unknown, of the wrong type or out of range."""


class CheckpointError(AgentError):
    """A file is no checkpoint of this agent, or one that does not fit."""


class RunFolderError(AgentError):
    """A run folder cannot be used as asked."""
