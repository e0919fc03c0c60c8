import json
from pathlib import Path
from typing import Any

import pytest

from agents.errors import RunFolderError
from nas_gym.studies.run_folder import RunFolder, read_run

SETTINGS: dict[str, Any] = {"env": "NAS-Moons-v0", "env_kwargs": {"noise": 0.3, "widths": (4, 8)}, "seed": 0}


def test_run_folder__notes_settings_and_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    RunFolder(path, SETTINGS, resume=True, about={"python": "3"})  # nothing there yet: a new run
    config = json.loads((path / "config.json").read_text())
    assert config["settings"]["seed"] == 0 and config["about"] == {"python": "3"}
    before = (path / "config.json").read_bytes()
    RunFolder(path, SETTINGS, resume=True, about={"python": "4"})
    assert (path / "config.json").read_bytes() == before


def test_run_folder__one_that_holds_a_run_is_refused_without_resume(tmp_path: Path) -> None:
    RunFolder(tmp_path, SETTINGS, resume=False)
    with pytest.raises(RunFolderError, match="already holds a run; --resume") as error:
        RunFolder(tmp_path, SETTINGS, resume=False)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({**SETTINGS, "seed": 1}, "seed 0 there, 1 here"),
        ({**SETTINGS, "env_kwargs": {}}, "env_kwargs {'noise': 0.3, 'widths': [4, 8]} there, {} here"),
        ({"env": "NAS-Moons-v0", "seed": 0}, "env_kwargs {'noise': 0.3, 'widths': [4, 8]} there, None here"),
        ({**SETTINGS, "episodes": 3}, "episodes None there, 3 here"),
    ],
)
def test_run_folder__resuming_with_other_arguments_says_which(
    other: dict[str, Any], message: str, tmp_path: Path
) -> None:
    RunFolder(tmp_path, SETTINGS, resume=False)
    with pytest.raises(RunFolderError, match="a run with other arguments: ") as error:
        RunFolder(tmp_path, other, resume=True)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"3", b'{"settings": 3}', b'{"settings": ["seed"]}', b"\xff\xfe"]
)
def test_run_folder__other_peoples_config_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"config\.json is not a run's configuration") as error:
        RunFolder(tmp_path, SETTINGS, resume=True)
    assert "\n" not in str(error.value)


def test_run_folder__unwritable_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "taken" / "config.json").mkdir(parents=True)
    for path in (tmp_path / "file", tmp_path / "file" / "run", Path("/proc/run"), tmp_path / "taken"):
        with pytest.raises(RunFolderError, match=r"cannot be written: \w") as error:
            RunFolder(path, SETTINGS, resume=True)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


ROWS: list[dict[str, Any]] = [
    {"episode": 1, "architecture": "Linear-8 ReLU", "reward": 0.1 + 0.2, "seed": 2**63 - 1, "reason": None},
    {"episode": 2, "architecture": None, "reward": -1.0, "seed": 2**53 + 1, "reason": None},
    {"episode": 3, "architecture": "ReLU", "reward": 1e-17, "seed": -5, "reason": 'it said "no",\nthen left'},
]


def test_evaluations__come_back_as_they_were_written(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    assert run.read_evaluations() == []
    run.write_evaluations(ROWS)
    found = run.read_evaluations()
    assert found == ROWS
    assert [[type(value) for value in row.values()] for row in found] == [
        [type(value) for value in row.values()] for row in ROWS
    ]
    before = (tmp_path / "evaluations.csv").read_bytes()
    run.write_evaluations(found)
    assert (tmp_path / "evaluations.csv").read_bytes() == before


def test_evaluations__text_that_looks_like_a_number_stays_the_same_file(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    run.write_evaluations(
        [{"reason": reason} for reason in ("12", "1e3", "nan", "inf", "1_000", " 7 ", "007")]
    )
    before = (tmp_path / "evaluations.csv").read_bytes()
    run.write_evaluations(run.read_evaluations())
    assert (tmp_path / "evaluations.csv").read_bytes() == before


def test_evaluations__without_rows_write_nothing(tmp_path: Path) -> None:
    RunFolder(tmp_path, SETTINGS, resume=False).write_evaluations([])
    assert not (tmp_path / "evaluations.csv").exists()


@pytest.mark.parametrize("content", [b"a,b\n1\n", b"a,b\n1,2,3\n", b"a\n\xff\xfe\n"])
def test_evaluations__other_peoples_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    (tmp_path / "evaluations.csv").write_bytes(content)
    with pytest.raises(RunFolderError, match=r"evaluations\.csv cannot be read") as error:
        run.read_evaluations()
    assert "\n" not in str(error.value)


def test_times_and_summary__are_json(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    assert run.read_times() == {}
    run.write_times({"search_seconds": 1.5})
    assert run.read_times() == {"search_seconds": 1.5}
    run.write_summary({"best": {"architecture": "ReLU"}})
    assert json.loads((tmp_path / "summary.json").read_text()) == {"best": {"architecture": "ReLU"}}


def test_times__other_peoples_file_is_one_line(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    for content in (b"", b"{", b"\xff", b"[1]"):
        (tmp_path / "times.json").write_bytes(content)
        with pytest.raises(RunFolderError, match=r"times\.json"):
            run.read_times()


def test_read_run__returns_what_a_finished_run_left(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    run.write_evaluations(ROWS)
    run.write_summary({"best": {"architecture": "ReLU"}})
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    settings, rows, summary = read_run(tmp_path)
    assert settings == json.loads(json.dumps(SETTINGS))
    assert (rows, summary) == (ROWS, {"best": {"architecture": "ReLU"}})
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("file", ["config.json", "summary.json"])
@pytest.mark.parametrize(
    "content",
    [
        *(None, b"", b"{", b"3", b"[]", b"{}", b"\xff", b'{"settings": {}}', b'{"best": 3}'),
        b'{"settings": {"env": 3, "env_kwargs": {}}, "best": {"architecture": 3}}',
        b'{"settings": {"env": "NAS-Moons-v0", "env_kwargs": [1]}}',
    ],
)
def test_read_run__of_what_is_no_finished_run_is_one_line(
    file: str, content: bytes | None, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    run.write_summary({"best": {"architecture": "ReLU"}})
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(RunFolderError, match="holds no finished run") as error:
        read_run(tmp_path)
    assert str(tmp_path) in str(error.value) and "\n" not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"config.json", "summary.json"}


def test_read_run__names_a_column_that_an_earlier_version_did_not_write(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, SETTINGS, resume=False)
    run.write_evaluations([{"episode": 1, "reward": 0.5}])
    run.write_summary({"best": {"architecture": "ReLU"}})
    with pytest.raises(RunFolderError, match="the column 'status' is missing"):
        read_run(tmp_path, ("episode", "status"))


def test_read_run__makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="holds no finished run"):
        read_run(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
