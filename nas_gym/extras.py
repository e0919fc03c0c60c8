"""WHAT MAY BE LEFT OUT? The extras of nas_gym, and the one line that names the one that is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

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


def agents_fault() -> str | None:
    """Say what is found in the place of our package ``agents``, in one line; ``None`` if it is ours.

    The name is one that others have chosen, too: theirs may stand before ours, or be installed over it.
    """
    spec = find_spec("agents")
    if spec is None:
        return "the package agents is missing, which comes with nas_gym: install nas_gym anew"
    if spec.origin is not None and "class AgentSpec" in Path(spec.origin).read_text(encoding="utf-8"):
        return None
    place = next(iter(spec.submodule_search_locations or ()), spec.origin)
    return (
        f"the package agents in {place} is not that of nas_gym and stands before it: install nas_gym in an "
        "environment without the other one"
    )


def is_there(package: str) -> bool:
    """Say whether a package can be imported, without importing it."""
    return find_spec(package) is not None
