import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nas_gym.studies.study  # slow to import
from agents import REINFORCE_FORMS
from nas_gym.cli import COMMANDS, main
from nas_gym.problems.registration import PROBLEMS
from nas_gym.studies.study import Study
from tests.nas_gym.kept.networks import kept

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call a command in this process: exit code, standard output and standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["nas-gym", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capfd.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run


def check_error(ended: tuple[int, str, str], *texts: str) -> None:
    """One line on standard error, and nothing that looks like success."""
    code, out, err = ended
    assert code == 2, (out, err)
    assert err.count("\n") == 1 and err.startswith("error: "), err
    for text in texts:
        assert text in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize("command", COMMANDS)
def test_help__explains_every_command(command: str, call: Call) -> None:
    code, out, _ = call(command, "--help")
    assert code == 0 and command in out and "Traceback" not in out
    code, out, _ = call("--help")
    assert code == 0 and command in out


@pytest.mark.parametrize(
    ("arguments", "form"),
    [
        ((), "faithful"),
        (("--episodes", "1000"), "faithful"),
        (("--episodes", "999"), "surrogate"),
        (("--minutes", "1"), "surrogate"),
        (("--episodes", "999", "--order", "arrival"), "sample_efficient"),
        (("--minutes", "1", "--order", "submission"), "faithful"),
        (("--order", "arrival"), "faithful"),
        (("--episodes", "999", "--form", "sample_efficient"), "sample_efficient"),
        (("--minutes", "1", "--form", "faithful"), "faithful"),
    ],
    ids=str,
)
def test_search__takes_the_form_for_as_many_architectures(
    arguments: tuple[str, ...], form: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    studies: list[Study] = []
    monkeypatch.setattr("nas_gym.studies.study.run_study", lambda study, _: studies.append(study))
    call("search", *arguments)
    (study,) = studies
    assert study.spec is not None
    assert study.spec.num_envs == REINFORCE_FORMS[form].num_envs
    assert study.spec.arguments == {**REINFORCE_FORMS[form].arguments, "cell": "gru"}


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("--env", "NAS-Nothing-v0"), ("'NAS-Nothing-v0'", "NAS-Moons-v0")),
        (("--env", "CartPole-v1"), ("'CartPole-v1'", "NAS-Moons-v0")),
        (("--env", "NAS-Tabular-v0"), ("'X'", "required")),
        (("--agent", "sac"), ("'sac'", "maskable_ppo")),
        (("--agent", "ppo", "--cell", "lstm"), ("ppo has none",)),
        (("--env-kwargs", "colour=red"), ("'colour'", "noise")),
        (("--env-kwargs", "noise=-1"), ("noise", "-1")),
        (("--env-kwargs", "noise=NaN"), ("noise", "nan")),
        (("--env-kwargs", "size=many"), ("size", "many")),
        (("--env-kwargs", "space.widths=[0]"), ("widths", "got 0")),
        (("--env-kwargs", "widths=[4]"), ("widths belongs to space mlp",)),
        (("--env-kwargs", "evaluator=none"), ("'none'", "fused, local")),
        (("--env-kwargs", "reward=nothing"), ("'nothing'",)),
        (("--env-kwargs", "recipe.epochs=0"), ("epochs", "0")),
        (("--env-kwargs", "recipe=x", "recipe.epochs=0"), ("recipe.name=x",)),
        (("--env-kwargs", "store=other.sqlite"), ("the store is given as --store FILE",)),
        (("--episodes", "0"), ("episodes", "0")),
        (("--episodes", "-5"), ("episodes", "-5")),
        (("--seed", "-1"), ("seed", "-1")),
        (("--store", "{tmp}/text"), ("text cannot be opened",)),
        (("--env", "NAS-Bench-Moons-v0", "--store", "{tmp}/new.sqlite"), ("it needs no store",)),
    ],
    ids=str,
)
def test_search__bad_arguments_are_one_line_and_leave_no_run_behind(
    arguments: tuple[str, ...], texts: tuple[str, ...], call: Call, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("something else")
    arguments = tuple(argument.replace("{tmp}", str(tmp_path)) for argument in arguments)
    check_error(call("search", "--run-dir", tmp_path / "run", *arguments), *texts)
    assert [path.name for path in tmp_path.iterdir()] == ["text"]


def test_search__folder_that_cannot_be_written_is_one_line(call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "run"
    check_error(call("search", "--run-dir", path, "--episodes", "5"), str(path), "Not a directory")


@pytest.fixture
def begun(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a run that was interrupted at once."""

    def stop(agent: Any, *_: object, **__: object) -> bool:  # noqa: ANN401
        agent.learn(50).save(tmp_path / "run" / "checkpoint.pt")
        return False

    with monkeypatch.context() as patch:
        patch.setattr(nas_gym.studies.study, "search", stop)
        code, out, err = call("search", "--run-dir", tmp_path / "run", "--episodes", "100")
    assert (code, err) == (130, "") and "interrupted" in out
    return tmp_path / "run"


def test_search__folder_that_holds_a_run_needs_resume(begun: Path, call: Call) -> None:
    check_error(call("search", "--run-dir", begun, "--episodes", "100"), str(begun), "--resume")


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        (("--episodes", "99"), "episodes 100 there, 99 here"),
        (("--episodes", "100", "--seed", "1"), "seed 0 there, 1 here"),
        (
            ("--episodes", "100", "--env-kwargs", "recipe.epochs=5"),
            "env_kwargs {} there, {'recipe': {",
        ),
        (("--episodes", "100", "--agent", "ppo"), "agent 'reinforce' there, 'ppo' here"),
    ],
)
def test_search__resuming_with_other_arguments_says_which(
    arguments: tuple[str, ...], difference: str, begun: Path, call: Call
) -> None:
    check_error(call("search", "--run-dir", begun, "--resume", *arguments), str(begun), difference)


@pytest.mark.parametrize("file", ["checkpoint.pt", "evaluations.csv", "config.json"])
@pytest.mark.parametrize("content", [b"", b"hello\n", b"a,b\n1,2\n", b"\xff\x00", "half"], ids=str)
def test_search__resuming_from_a_damaged_file_is_one_line(
    file: str, content: bytes | str, begun: Path, call: Call
) -> None:
    path = begun / file
    if isinstance(content, str):
        content = (
            path.read_bytes()[: path.stat().st_size // 2] if path.exists() else b"episode,architecture\n1,"
        )
    path.write_bytes(content)
    check_error(call("search", "--run-dir", begun, "--episodes", "100", "--resume"), str(begun))


def test_envs__lists_each_id_with_one_line(call: Call) -> None:
    code, out, err = call("envs")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == list(PROBLEMS)
    assert all(len(line.split()) > 4 for line in out.splitlines())


@pytest.mark.parametrize("env", PROBLEMS)
def test_envs__describes_one(env: str, call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setenv("NAS_GYM_DATA", str(tmp_path))  # no data are needed to say what there is
    monkeypatch.setattr("socket.socket", None)
    code, out, err = call("envs", env)
    assert (code, err) == (0, "")
    assert out.startswith(env) and "question:" in out and "game:" in out and "illegal_reward=-1.0" in out


def test_envs__says_what_moons_are_made_of(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    out = call("envs", "nas_gym:NAS-Moons-v0")[1]
    for words in (
        "mlp-v0, 597,870 networks of at most 6 tokens",
        "Linear-16",
        "moons-v0(size=1000",
        "noise=0.2",
    ):
        assert words in out
    assert "adam(epochs=100" in out and "device='cpu'" in out and "widths=(1, 2, 4, 8, 16)" in out
    check_error(call("envs", "NAS-Mars-v0"), "'NAS-Mars-v0'", "NAS-Moons-v0")


@pytest.mark.slow  # starts an interpreter
@pytest.mark.timeout(60)
def test_envs__loads_nothing_that_trains() -> None:
    heavy = ("torch", "numba", "sklearn", "stable_baselines3")
    code = (
        "import sys; sys.argv = ['nas-gym', 'envs']\nfrom nas_gym.cli import main\n"
        f"try: main()\nexcept SystemExit: print([name for name in {heavy} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.endswith("\n[]\n"), ended.stdout


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("--env", "NAS-Bench-Moons-v0"), ("trains no children",)),
        (("--env", "NAS-Brackets-v0"), ("a table holds accuracies",)),
        (("--seeds", "0"), ("seeds must be an integer from 1, got 0",)),
        (("--block", "0"), ("block must be an integer from 1, got 0",)),
    ],
)
def test_tabulate__says_in_one_line_what_makes_no_table(
    arguments: tuple[str, ...], texts: tuple[str, ...], call: Call, tmp_path: Path
) -> None:
    check_error(call("tabulate", "--out", tmp_path / "table.npz", *arguments), *texts)
    assert list(tmp_path.iterdir()) == []


def test_export__says_in_one_line_that_there_is_no_network(call: Call, tmp_path: Path) -> None:
    file = tmp_path / "network.onnx"
    check_error(call("export", tmp_path, "--onnx", file), "holds neither a kept network nor a run with one")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow  # imports what exports
@pytest.mark.timeout(60)
def test_export__writes_a_network_and_says_how_far_it_is_from_pytorch(call: Call, tmp_path: Path) -> None:
    kept(tmp_path / "winner", "NAS-Moons-v0", "Linear-4 ReLU", full={"epochs": 1})
    code, out, err = call("export", tmp_path, "--onnx", tmp_path / "network.onnx")
    assert (code, err) == (0, "")
    assert "Linear-4 ReLU" in out and "largest difference from PyTorch" in out
    assert (tmp_path / "network.onnx").is_file()
