"""IS IT COMPILED? Numba's compiler, and what becomes of its cache where nothing can be written."""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from numba import config as numba_config
from numba import njit
from numba.core.caching import FunctionCache

from nas_gym.errors import CompilerError

Function = TypeVar("Function", bound=Callable[..., Any])

config: Any = numba_config  # its values are read from the environment, so they are no attributes to a checker
_told = False


def compiled(**options: Any) -> Callable[[Function], Any]:  # noqa: ANN401, Numba's
    """Compile a function with ``numba.njit`` and keep it in Numba's cache.

    Where the cache cannot be found, read or written, the function is compiled without, and that is said once
    in a process: it costs some seconds each time, and nothing else.

    Args:
        **options: Numba's, without ``cache``.
    """

    def decorate(function: Function) -> Any:  # noqa: ANN401, called as the function
        dispatcher = njit(**options)(function)
        if not config.DISABLE_JIT:
            try:
                dispatcher._cache = _Cache(function)  # type: ignore[no-untyped-call]
            except (RuntimeError, OSError) as error:  # RuntimeError: there is no folder that can be written
                _tell(error)
        return dispatcher

    return decorate


def check_compiler(needed_by: str) -> None:
    """Refuse to go on if Numba was told not to compile.

    Args:
        needed_by: What must be compiled, and what else can be done.

    Raises:
        CompilerError: If it was.
    """
    if config.DISABLE_JIT:
        raise CompilerError(f"NUMBA_DISABLE_JIT switches off the compiler that {needed_by}")


class _Cache(FunctionCache):
    """Numba's cache, whose faults are told and end nothing: without it, one compiles."""

    def load_overload(self, sig: object, target_context: object) -> object:
        """Return what is kept, ``None`` if nothing can be read."""
        try:
            return super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception as error:
            _tell(error)
            return None

    def save_overload(self, sig: object, data: object) -> None:
        """Keep what was compiled, if it can be written."""
        try:
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]
        except Exception as error:
            _tell(error)


def _tell(error: Exception) -> None:
    global _told
    if not _told:
        _told = True
        cause = " ".join(f"{type(error).__name__}: {error}".split())
        warnings.warn(
            f"compiled code cannot be kept and is compiled anew in each process ({cause}); "
            "NUMBA_CACHE_DIR names a folder for it",
            stacklevel=2,
        )
