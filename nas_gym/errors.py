"""WHAT WENT WRONG? Every error that nas_gym raises on purpose, one line each."""


class NasGymError(Exception):
    """Root of all errors of nas_gym: the message says what came and what is allowed."""


class InvalidArgumentError(NasGymError, ValueError):
    """An argument is unknown, of the wrong type or out of range."""


class InvalidActionError(NasGymError, ValueError):
    """An action is not in the action space."""


class InvalidArchitectureError(NasGymError, ValueError):
    """A sentence or a text does not name a network of the search space."""


class InvalidDataError(NasGymError, ValueError):
    """Data cannot be learned from: not finite, wrong lengths, classes missing."""


class MissingDataError(NasGymError):
    """A data set is not on this machine, and it cannot be downloaded either."""


class StoreError(NasGymError):
    """A file that should keep evaluations cannot be opened, read or written."""


class InvalidTableError(NasGymError, ValueError):
    """A table of results is missing, damaged or another one than is needed."""


class WorkerError(NasGymError):
    """A worker process cannot be made ready, or was told to stop."""


class WorkerDiedError(NasGymError):
    """A worker process died while it worked."""


class CompilerError(NasGymError):
    """What must be compiled cannot be, as the compiler is switched off."""


class RunFolderError(NasGymError):
    """The folder of a run, or of many, cannot be used as asked."""


class KeptNetworkError(NasGymError):
    """The folder of a kept network is missing, damaged or of another version, or cannot be used as asked."""


class MissingPackageError(NasGymError, ImportError):
    """What was asked for needs a package that an extra of nas_gym installs."""


class ExportError(NasGymError):
    """A network cannot be written for other programs, or says something else there."""
