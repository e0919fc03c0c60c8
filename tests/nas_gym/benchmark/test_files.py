import json
from dataclasses import replace
from pathlib import Path

import pytest

from nas_gym.benchmark.files import check_settings, read_run, write_run
from nas_gym.errors import RunFolderError
from tests.nas_gym.benchmark.made_up import make_run, make_simulated


@pytest.mark.parametrize("judged", [True, False])
def test_read_run__returns_what_was_written(judged: bool, tmp_path: Path) -> None:
    run = replace(make_run(3, 0.8, judged, reached=4), simulated=make_simulated(3) if judged else None)
    write_run(tmp_path / "env" / "3.json", run)
    assert read_run(tmp_path / "env" / "3.json") == run


@pytest.mark.parametrize("content", ["", '{"seed": ', "[1]", '{"seed": 1}', '{"seed": 1, "curve": {}}'])
def test_read_run__refuses_a_damaged_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "0.json").write_text(content)
    with pytest.raises(RunFolderError, match=r"0\.json was not written by this version .* is damaged"):
        read_run(tmp_path / "0.json")


def test_check_settings__refuses_other_settings_in_one_line(tmp_path: Path) -> None:
    for _ in range(2):
        check_settings(tmp_path / "new", {"budget": 10, "grid": {"rate": (1, 2)}})
    assert json.loads((tmp_path / "new" / "settings.json").read_text())["budget"] == 10
    with pytest.raises(
        RunFolderError, match=r"holds runs with budget = 10, asked for is 20; choose"
    ) as caught:
        check_settings(tmp_path / "new", {"budget": 20})
    assert "\n" not in str(caught.value)
