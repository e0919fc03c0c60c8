"""What a missing package says, and that no other one is needed where an extra is left out."""

import ast
import io
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import gymnasium as gym
import pytest
from rich.console import Console

import agents.errors
from agents.reinforce import Reinforce
from nas_gym.benchmark.arguments import BenchmarkArguments
from nas_gym.benchmark.command import run_benchmark
from nas_gym.errors import MissingPackageError
from nas_gym.estimators.command import read_table
from nas_gym.extras import EXTRAS, is_there, needs
from nas_gym.studies.study import Study, run_study

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORTERS = {
    "sb3": ("agents.sb3",),
    "report": (
        "nas_gym.envs.rendering",
        "nas_gym.studies.report.page",
        "nas_gym.studies.report.pictures",
        "nas_gym.pages.page",
        "nas_gym.benchmark.report.page",
        "nas_gym.pages.picture",
        "torch.utils.tensorboard",
    ),
}
"""What imports packages of an extra when it is imported itself."""
TOLD = {extra: f"which is not installed: pip install 'nas_gym[{extra}]'" for extra in EXTRAS}


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what takes packages away, and lets what imports them be imported again."""

    def take(extra: str, *packages: str) -> None:
        for name in list(sys.modules):
            if within(name, *IMPORTERS.get(extra, ())):
                monkeypatch.delitem(sys.modules, name)
            elif within(name, *packages):
                monkeypatch.setitem(sys.modules, name, None)
        for package in packages:
            monkeypatch.setitem(sys.modules, package, None)

    return take


IMPORTED_AS = {"PIL": "pillow", "sklearn": "scikit-learn", "llvmlite": "numba"}  # numba brings it


def distribution(requirement: str) -> str:
    return re.split(r"[\[<>=; ]", requirement)[0].lower().replace("_", "-")


CORE = {distribution(each) for each in PROJECT["dependencies"]}
OPTIONAL = PROJECT["optional-dependencies"]


@pytest.mark.parametrize("extra", EXTRAS)
def test_extras__are_those_of_the_project(extra: str) -> None:
    installed = {distribution(each) for each in OPTIONAL[extra]}
    assert installed == {distribution(name) for name in EXTRAS[extra]}
    assert not CORE & installed


def test_extras__are_all_in_what_developers_install() -> None:
    (all_of_them,) = (each for each in OPTIONAL["dev"] if distribution(each) == "nas-gym")
    assert set(re.findall(r"\w+", all_of_them.partition("[")[2])) >= set(EXTRAS)


def caught(handler: ast.ExceptHandler) -> str:
    return "" if handler.type is None else ast.unparse(handler.type)


def guarded(tree: ast.AST, extra: str | None = None) -> Iterator[tuple[str, str | None]]:
    """Yield the packages that are imported, each with the extra that stands around the import."""
    for node in ast.iter_child_nodes(tree):
        around = extra
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Try) and "ImportError" in map(caught, node.handlers):
            continue  # it does without
        if isinstance(node, ast.With):
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "needs":
                    around = ast.literal_eval(call.args[0])
        if isinstance(node, ast.Import):
            yield from ((alias.name.partition(".")[0], around) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0], around
        yield from guarded(node, around)


def unguarded(source: str) -> list[str]:
    """Return what is imported although it is neither in the core nor in the extra around it."""
    return [
        package
        for package, extra in guarded(ast.parse(source))
        if package not in {*sys.stdlib_module_names, "nas_gym", "agents"}
        and distribution(IMPORTED_AS.get(package, package)) not in CORE
        and package not in EXTRAS.get(extra or "", ())
    ]


@pytest.mark.parametrize("package", ["nas_gym", "agents"])
def test_packages__import_an_extra_where_a_missing_one_is_told_alone(package: str) -> None:
    found = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / package).rglob("*.py"))
        if (names := unguarded(path.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import plotly", ["plotly"]),
        ("def f():\n    from matplotlib.axes import Axes", ["matplotlib"]),
        ("with needs('report', 'a page'):\n    import plotly", []),
        ("with needs('sb3', 'a page'):\n    import plotly", ["plotly"]),
        ("import numpy, sklearn.svm\nfrom PIL import Image\nimport json", []),
        ("try:\n    import pandas\nexcept ImportError:\n    pass", []),
        ("try:\n    import pandas\nexcept ValueError:\n    pass", ["pandas"]),
        ("if TYPE_CHECKING:\n    import pandas", []),
    ],
)
def test_walker__sees_what_is_not_guarded(source: str, found: list[str]) -> None:
    assert unguarded(source) == found


@pytest.mark.parametrize("needing", [needs, agents.errors.needs])
def test_needs__hides_no_fault_of_another_kind(needing: Callable[..., object]) -> None:
    for fault in (
        ImportError("a library is damaged", name="plotly"),
        ModuleNotFoundError("a module of ours", name="agents.gone"),
        ModuleNotFoundError("whatever"),
    ):
        with pytest.raises(ImportError) as raised, needing("report", "a page"):  # type: ignore[attr-defined]
            raise fault
        assert raised.value is fault


def test_is_there__does_not_import(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_there("json") and not is_there("no_such_package")
    monkeypatch.setitem(sys.modules, "json", None)
    assert not is_there("json")


@pytest.mark.parametrize("package", EXTRAS["sb3"])
def test_agent_of_sb3__says_what_installs_it_before_there_is_a_folder(
    package: str, without: Callable[..., None], tmp_path: Path
) -> None:
    without("sb3", package)
    with pytest.raises(agents.errors.MissingPackageError) as raised:
        run_study(
            Study(env="NAS-Moons-v0", agent="ppo", run_dir=tmp_path / "run"), Console(file=io.StringIO())
        )
    assert f"an agent of stable-baselines3 needs {package}" in str(raised.value)
    assert str(raised.value).endswith(TOLD["sb3"]) and "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_rendering__needs_an_extra_for_pictures_alone(without: Callable[..., None]) -> None:
    without("report", "matplotlib")
    for mode in ("ansi", "rgb_array"):
        env = gym.make("NAS-Moons-v0", render_mode=mode, disable_env_checker=True)
        for each in (env, gym.make_vec("NAS-Moons-v0", 2, render_mode=mode)):
            each.reset(seed=0)
            if mode == "ansi":
                assert "next: " in str(each.render())
                continue
            with pytest.raises(MissingPackageError) as raised:
                each.render()
            assert str(raised.value) == f"a picture of a network needs matplotlib.axes, {TOLD['report']}"


def test_tensorboard__is_told_to_who_asks_for_it(without: Callable[..., None], tmp_path: Path) -> None:
    without("report", "tensorboard")
    lanes = gym.make_vec("NAS-Moons-v0", 2)
    with pytest.raises(agents.errors.MissingPackageError) as raised:
        Reinforce(lanes, tensorboard_log=tmp_path)
    assert str(raised.value) == f"TensorBoard's log needs tensorboard, {TOLD['report']}"


@pytest.mark.slow  # stable-baselines3 takes seconds to import
@pytest.mark.timeout(60)
def test_tensorboard__is_told_to_who_asks_for_it_of_sb3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents.sb3 import Sb3Agent

    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(agents.errors.MissingPackageError, match="TensorBoard's log needs tensorboard"):
        Sb3Agent(gym.make_vec("NAS-Moons-v0", 2), tensorboard_log=tmp_path)


def test_table__says_what_installs_what_reads_it(without: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    without("tables", "pandas")
    with pytest.raises(MissingPackageError) as raised:
        read_table(tmp_path / "t.csv")
    assert str(raised.value) == f"the file of a table needs pandas, {TOLD['tables']}"


@pytest.mark.slow  # Matplotlib looks for fonts
@pytest.mark.timeout(60)
@pytest.mark.parametrize("package", EXTRAS["report"])
def test_study__ends_whole_without_a_package_that_reports(
    package: str, without: Callable[..., None], tmp_path: Path
) -> None:
    without("report", package)
    written = io.StringIO()
    summary = run_study(
        Study(env="NAS-Bench-Moons-v0", episodes=12, run_dir=tmp_path), Console(file=written, width=400)
    )
    assert summary is not None and summary.retrained is not None
    there = {path.name for path in tmp_path.iterdir()}
    assert {"summary.json", "evaluations.csv"} <= there
    pictured = {"learning_curve.png", "pareto_front.png", "report.html"} & there
    (told,) = (line for line in written.getvalue().splitlines() if TOLD["report"].split(": ")[1] in line)
    if package == "tensorboard":
        assert len(pictured) == 3 and told.startswith("without TensorBoard's log")
    else:
        assert not pictured and f" needs {package}" in told and "are not written" in told


@pytest.mark.slow  # plays two runs
@pytest.mark.timeout(60)
@pytest.mark.parametrize("package", ["matplotlib", "plotly"])
def test_benchmark__ends_with_its_numbers_without_a_package_that_draws(
    package: str, without: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without("report", package)
    run_benchmark(
        BenchmarkArguments(agents=["random", "local_search"], episodes=8, seeds=1, processes=1, out=tmp_path)
    )
    there = {path.name for path in tmp_path.iterdir()}
    assert {"results.json", "results.csv", "table.md"} <= there and "report.html" not in there
    last = capsys.readouterr().out.splitlines()[-1]
    assert f" needs {package}" in last and last.endswith(TOLD["report"])


WITHOUT = """
import sys

from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {gone!r} else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
sys.argv = ["nas-gym", *{arguments!r}]
from nas_gym.cli import main
main()
"""


@pytest.mark.slow  # starts a new interpreter
@pytest.mark.timeout(120)
def test_core__searches_without_any_extra(tmp_path: Path) -> None:
    gone = [name for names in EXTRAS.values() for name in names if name != "jinja2"]  # PyTorch's own
    program = WITHOUT.format(gone=gone, arguments=["search", "--episodes", "20", "--run-dir", str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pip install 'nas_gym[report]'") == 2
    assert not (tmp_path / "tensorboard").exists() and (tmp_path / "winner").is_dir()
