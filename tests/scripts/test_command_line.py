import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

from agents import AGENTS, ALIASES
from tests.scripts.conftest import Call

SCRIPTS = ("train_reinforce", "train_sb3")


def check_error(ended: tuple[int, str, str], *texts: str) -> None:
    """One line on standard error, and nothing that looks like success."""
    code, out, err = ended
    assert code == 2, (out, err)
    assert err.count("\n") == 1 and err.startswith("error: "), err
    for text in texts:
        assert text in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("--env", "NAS-Nothing-v0"), ("'NAS-Nothing-v0'", "NAS-Moons-v0")),
        (("--env", "CartPole-v1"), ("'CartPole-v1'", "NAS-Moons-v0")),
        (("--env", "NAS-Tabular-v0"), ("'X'", "required")),
        (("--env-kwargs", "colour=red"), ("'colour'", "noise")),
        (("--env-kwargs", "noise=-1"), ("noise", "-1")),
        (("--env-kwargs", "noise=NaN"), ("noise", "nan")),
        (("--env-kwargs", "size=0"), ("size", "0")),
        (("--env-kwargs", "size=many"), ("size", "many")),
        (("--env-kwargs", "widths=[0]"), ("widths", "[0]")),
        (("--env-kwargs", "widths=4"), ("widths", "4")),
        (("--env-kwargs", "evaluator=none"), ("'none'", "fused, local")),
        (("--env-kwargs", "reward=nothing"), ("'nothing'", "validation_accuracy")),
        (("--env-kwargs", "epochs=0"), ("epochs", "0")),
        (("--env-kwargs", "noise"), ("name=value", "'noise'")),
        (("--env-kwargs", "=3"), ("name=value", "'=3'")),
        (("--episodes", "0"), ("episodes", "0")),
        (("--episodes", "-5"), ("episodes", "-5")),
        (("--seed", "-1"), ("seed", "-1")),
    ],
    ids=str,
)
@pytest.mark.parametrize("script", SCRIPTS)
def test_script__bad_arguments_are_one_line_and_leave_no_run_behind(
    script: str, arguments: tuple[str, ...], texts: tuple[str, ...], call: Call, tmp_path: Path
) -> None:
    check_error(call(script, "--run-dir", tmp_path / "run", *arguments), *texts)
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_script__folder_that_cannot_be_written_is_one_line(script: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "run"
    check_error(call(script, "--run-dir", path, "--episodes", "5"), str(path), "Not a directory")


@pytest.fixture
def begun(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a run that was interrupted at once."""

    def stop(agent: Any, *_: object) -> bool:  # noqa: ANN401
        agent.learn(50).save(tmp_path / "run" / "checkpoint.pt")
        return False

    with monkeypatch.context() as patch:
        patch.setattr("experiment.search", stop)
        code, out, err = call("train_reinforce", "--run-dir", tmp_path / "run", "--episodes", "100")
    assert (code, err) == (130, "") and "interrupted" in out
    return tmp_path / "run"


def test_script__folder_that_holds_a_run_needs_resume(begun: Path, call: Call) -> None:
    check_error(call("train_reinforce", "--run-dir", begun, "--episodes", "100"), str(begun), "--resume")


@pytest.mark.parametrize(
    ("script", "arguments", "difference"),
    [
        ("train_reinforce", ("--episodes", "99"), "episodes 100 there, 99 here"),
        ("train_reinforce", ("--episodes", "100", "--seed", "1"), "seed 0 there, 1 here"),
        ("train_reinforce", ("--episodes", "100", "--env-kwargs", "noise=0.3"), "env_kwargs {} there"),
        ("train_sb3", ("--episodes", "100"), "agent 'reinforce' there, 'ppo' here"),
    ],
)
def test_script__resuming_with_other_arguments_says_which(
    script: str, arguments: tuple[str, ...], difference: str, begun: Path, call: Call
) -> None:
    check_error(call(script, "--run-dir", begun, "--resume", *arguments), str(begun), difference)


@pytest.mark.parametrize("file", ["checkpoint.pt", "evaluations.csv", "config.json"])
@pytest.mark.parametrize("content", [b"", b"hello\n", b"a,b\n1,2\n", b"\xff\x00", "half"], ids=str)
def test_script__resuming_from_a_damaged_file_is_one_line(
    file: str, content: bytes | str, begun: Path, call: Call
) -> None:
    path = begun / file
    if isinstance(content, str):
        content = (
            path.read_bytes()[: path.stat().st_size // 2] if path.exists() else b"episode,architecture\n1,"
        )
    path.write_bytes(content)
    check_error(call("train_reinforce", "--run-dir", begun, "--episodes", "100", "--resume"), str(begun))


def test_script__unknown_algorithm_says_which_there_are(call: Call) -> None:
    code, out, err = call("train_sb3", "--algorithm", "sac")
    assert code == 2
    assert "sac" in err and "maskable_ppo" in err and "Traceback" not in out + err


def test_train_sb3__offers_every_agent_but_our_own() -> None:
    fields = dataclasses.fields(importlib.import_module("train_sb3").Args)
    (field,) = [field for field in fields if field.name == "algorithm"]
    assert {*AGENTS, *ALIASES} - {"reinforce"} == set(field.type.__args__)  # type: ignore[union-attr]


@pytest.mark.parametrize("script", SCRIPTS)
def test_help__explains_every_argument(script: str, call: Call) -> None:
    code, out, _ = call(script, "--help")
    assert code == 0
    for field in dataclasses.fields(importlib.import_module(script).Args):
        (line,) = [line for line in out.splitlines() if f"--{field.name.replace('_', '-')}" in line][-1:]
        assert line
    files = [Path(str(importlib.import_module(name).__file__)) for name in (script, "command_line")]
    source = "".join(file.read_text() for file in files)  # what a script says comes before what all say
    words = " ".join(out.replace("│", " ").split())
    for field in dataclasses.fields(importlib.import_module(script).Args):
        explanation = source.split(f"    {field.name}: ")[1].split('"""')[1]
        assert " ".join(explanation.split()[:4]) in words


@dataclasses.dataclass
class Nothing:
    """No arguments."""


@pytest.mark.parametrize(
    ("outcome", "code"), [(0, 0), (130, 130), (OSError("cannot write\nthere"), 2), (KeyboardInterrupt(), 130)]
)
def test_run__exits_with_a_code_and_at_most_one_line(
    outcome: int | BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def main(_: Nothing) -> int:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr("sys.argv", ["script"])
    with pytest.raises(SystemExit) as stop:
        importlib.import_module("command_line").run(Nothing, main, "description", "once more goes on")
    assert stop.value.code == code
    err = capfd.readouterr().err
    assert err.count("\n") <= 1 and "Traceback" not in err
    if isinstance(outcome, OSError):
        assert err == "error: cannot write there\n"
    if isinstance(outcome, KeyboardInterrupt):
        assert err == "interrupted; once more goes on\n"


def test_parse_keywords__values_are_json_or_text() -> None:
    parse = importlib.import_module("command_line").parse_keywords
    assert parse([]) == {}
    assert parse(["a=0.5", "b=[4,8]", "c=true", "d=fused", "e=x=y", 'f="2"', "g=", "h=null"]) == {
        "a": 0.5,
        "b": [4, 8],
        "c": True,
        "d": "fused",
        "e": "x=y",
        "f": "2",
        "g": "",
        "h": None,
    }
