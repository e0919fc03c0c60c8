import os
from pathlib import Path

import pytest

from agents.files import write_atomically


def test_write_atomically__replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    seen = []

    def write(temporary: Path) -> None:
        temporary.write_text("new")
        seen.append((temporary, path.read_text()))

    write_atomically(path, write)
    temporary, before = seen[0]
    assert temporary.parent == tmp_path and temporary != path  # one file system, so the rename is atomic
    assert before == "old" and path.read_text() == "new"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_write_atomically__keeps_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")

    def write(temporary: Path) -> None:
        temporary.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, write)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_write_atomically__unwritable_folder_raises_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        write_atomically(tmp_path / "file" / "below", lambda temporary: temporary.write_text("x"))
