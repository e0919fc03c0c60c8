from pathlib import Path

import pytest

from nas_gym.files import absolute_paths


def test_absolute_paths__are_of_files_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = absolute_paths({"path": "images", "metric": "images", "recipe": {"path": "x"}, "table": None})
    assert found == {
        "path": str(tmp_path / "images"),
        "metric": "images",
        "recipe": {"path": "x"},
        "table": None,
    }


def test_absolute_paths__know_home_and_the_environments_that_are_meant(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    given = {"path": "~/a", "NAS-Text-v0:path": "b", "table": Path("c"), "store": "~nobody-at-all/d"}
    assert absolute_paths(given) == {
        "path": str(tmp_path / "home" / "a"),
        "NAS-Text-v0:path": str(tmp_path / "b"),
        "table": str(tmp_path / "c"),
        "store": "~nobody-at-all/d",
    }
