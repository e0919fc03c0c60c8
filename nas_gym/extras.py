"""WHAT MAY BE LEFT OUT? The extras of nas_gym, and the one line that names the one that is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from nas_gym.errors import MissingPackageError

EXTRAS: dict[str, tuple[str, ...]] = {
    "sb3": ("stable_baselines3", "sb3_contrib"),
    "report": ("jinja2", "matplotlib", "plotly", "tensorboard"),
    "tables": ("pandas",),
    "export": ("onnx", "onnxruntime", "onnxscript"),
    "ray": ("ray",),
}
"""What each extra installs, by the names that are imported; ``pyproject.toml`` says the same."""
OURS = ("nas_gym", "agents")


@contextmanager
def needs(extra: str, what: str) -> Iterator[None]:
    """Have imports within say in one line which command installs what is missing.

    Args:
        extra: The extra that installs what is imported, a key of ``EXTRAS``.
        what: What cannot be done without it, the subject of the line.

    Raises:
        MissingPackageError: If a package is not installed.
    """
    assert extra in EXTRAS, extra
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OURS:
            raise  # a fault of our own
        raise MissingPackageError(
            f"{what} needs {error.name}, which is not installed: pip install 'nas_gym[{extra}]'"
        ) from None


def is_there(package: str) -> bool:
    """Say whether a package can be imported, without importing it."""
    return find_spec(package) is not None
