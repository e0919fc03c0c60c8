"""What is said of the package elsewhere than in its code: metadata, citation, hooks, security."""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import nas_gym

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# Messages between our own processes, and a contract that others' pools must meet.
PICKLERS = {
    "nas_gym.pools.forked",
    "nas_gym.pools.ray.pool",
    "nas_gym.pools.ray.crew",
    "nas_gym.pools.ray.worker",
    "nas_gym.pools.worker",
    "nas_gym.testing",
}


def test_version__is_said_alike_everywhere() -> None:
    (cited,) = re.findall(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert PROJECT["version"] == cited == nas_gym.__version__
    assert f"\n## {cited}" in (ROOT / "CHANGELOG.md").read_text()


def test_metadata__names_what_is_there() -> None:
    assert (ROOT / PROJECT["readme"]).is_file()
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])
    assert len(set(PROJECT["classifiers"])) == len(PROJECT["classifiers"]) > 5
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {oldest}" in PROJECT["classifiers"]
    assert (ROOT / "nas_gym" / "py.typed").is_file() and "Typing :: Typed" in PROJECT["classifiers"]
    assert not any(each.startswith("License ::") for each in PROJECT["classifiers"]), "license says it"


def test_hooks__are_what_ci_runs() -> None:
    hooks = re.findall(r"^ +entry: (.*)$", (ROOT / ".pre-commit-config.yaml").read_text(), re.MULTILINE)
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert hooks == [line for line in lines if line.split(" ")[0] in ("ruff", "mypy")]


def calls(source: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield the calls in a source text: what is called, and its constant keywords."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            constants = {
                each.arg: each.value.value
                for each in node.keywords
                if each.arg is not None and isinstance(each.value, ast.Constant)
            }
            yield ast.unparse(node.func), constants


def unsafe(source: str, may_unpickle: bool = False) -> list[str]:
    """Return calls that could execute what a file holds."""
    found = []
    for name, constants in calls(source):
        if name == "torch.load" and constants.get("weights_only") is not True:
            found.append(name)
        if name in ("np.load", "numpy.load") and constants.get("allow_pickle") is not False:
            found.append(name)
        if (
            re.fullmatch(r"(pickle|cloudpickle|joblib|dill|marshal)\.loads?|eval|exec", name)
            and not may_unpickle
        ):
            found.append(name)
    return found


@pytest.mark.parametrize("package", ["nas_gym", "agents", "scripts"])
def test_files__are_opened_without_executing_them(package: str) -> None:
    found = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if calls_found := unsafe(path.read_text(), name in PICKLERS):
            found[name] = calls_found
    assert found == {}


@pytest.mark.parametrize("name", sorted(PICKLERS))
def test_picklers__are_still_some(name: str) -> None:
    assert unsafe(ROOT.joinpath(*name.split(".")).with_suffix(".py").read_text()), f"take {name} away"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("torch.load(path)", ["torch.load"]),
        ("torch.load(path, weights_only=False)", ["torch.load"]),
        ("torch.load(path, weights_only=True)", []),
        ("np.load(path)", ["np.load"]),
        ("np.load(path, allow_pickle=True)", ["np.load"]),
        ("np.load(path, allow_pickle=False)", []),
        ("joblib.load(path)", ["joblib.load"]),
        ("pickle.loads(content)", ["pickle.loads"]),
        ("json.loads(content)", []),
        ("module.eval()", []),
        ("eval(text)", ["eval"]),
    ],
)
def test_walker__sees_what_could_execute(source: str, found: list[str]) -> None:
    assert unsafe(source) == found
