import io
import sys
from dataclasses import dataclass

import pytest

from agents.errors import CheckpointError
from nas_gym.command_line import parse_keywords, run
from nas_gym.errors import InvalidArgumentError


@dataclass
class Nothing:
    """No arguments."""


@pytest.mark.parametrize(
    ("outcome", "code", "says"),
    [
        (0, 0, ""),
        (130, 130, ""),
        (OSError("cannot write\nthere"), 2, "error: cannot write there\n"),
        (InvalidArgumentError("seed must be 1"), 2, "error: seed must be 1\n"),
        (CheckpointError("no checkpoint"), 2, "error: no checkpoint\n"),
        (KeyboardInterrupt(), 130, "interrupted; once more goes on\n"),
    ],
    ids=str,
)
def test_run__exits_with_a_code_and_at_most_one_line(
    outcome: int | BaseException,
    code: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def main(_: Nothing) -> int:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr("sys.argv", ["script"])
    with pytest.raises(SystemExit) as stop:
        run(Nothing, main, "description", "once more goes on")
    assert (stop.value.code, capfd.readouterr().err) == (code, says)


def test_run__does_not_hide_what_is_our_own_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(_: Nothing) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("sys.argv", ["script"])
    with pytest.raises(ZeroDivisionError):
        run(Nothing, main, "description")


def test_run__survives_a_console_that_knows_few_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.argv", ["script"])
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    with pytest.raises(SystemExit) as stop:
        run(Nothing, lambda _: print("0.5 ± 0.1") or 0, "description")
    sys.stdout.flush()
    assert (stop.value.code, written.getvalue()) == (0, b"0.5 ? 0.1\n")


def test_parse_keywords__values_are_json_or_text() -> None:
    assert parse_keywords([]) == {}
    pairs = ["a=0.5", "b=[4,8]", "c=true", "d=fused", "e=x=y", 'f="2"', "g=", "h=null", "i=None", "j={}"]
    assert parse_keywords(pairs) == {
        "a": 0.5,
        "b": [4, 8],
        "c": True,
        "d": "fused",
        "e": "x=y",
        "f": "2",
        "g": "",
        "h": None,
        "i": None,
        "j": {},
    }


def test_parse_keywords__dots_are_keywords_of_a_part() -> None:
    found = parse_keywords(["recipe.epochs=50", "noise=0.3", "recipe.name=paper", "a.b.c=1", "path=a.b"])
    assert found == {
        "recipe": {"epochs": 50, "name": "paper"},
        "noise": 0.3,
        "a": {"b": {"c": 1}},
        "path": "a.b",
    }


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        (["noise"], "keywords are given as name=value or part.name=value, got 'noise'"),
        (["=3"], "got '=3'"),
        ([".a=3"], "got '.a=3'"),
        (["a..b=3"], "got 'a..b=3'"),
        (["a=1", "b=2", "a=2"], "a is given twice, as 1 and as 2"),
        (["a.b=1", "a.b=1"], "a.b is given twice, as 1 and as 1"),
        (["recipe=paper", "recipe.epochs=5"], "beside that it is recipe.name=paper"),
        (
            ["recipe.epochs=5", "recipe=paper"],
            "recipe is given as 'paper' and with a keyword",
        ),
        (["a.b.c=1", "a.b=2"], "a.b is given as 2 and with a keyword of its own, a.b.c"),
    ],
    ids=str,
)
def test_parse_keywords__says_in_one_line_what_is_wrong(pairs: list[str], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        parse_keywords(pairs)
    assert says in str(error.value) and "\n" not in str(error.value)
