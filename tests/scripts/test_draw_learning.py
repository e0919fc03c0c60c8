from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from nas_gym.errors import InvalidArgumentError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return import_module("draw_learning")


def frames(path: Path) -> list[np.ndarray]:
    found = []
    with Image.open(path) as picture:
        for index in range(getattr(picture, "n_frames", 1)):
            picture.seek(index)
            found.append(np.asarray(picture.convert("RGB")))
    return found


@pytest.mark.slow  # Matplotlib draws six frames
@pytest.mark.timeout(60)
def test_draw_learning__is_fixed_by_its_seed_and_its_frames_differ(
    script: ModuleType, tmp_path: Path
) -> None:
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        assert script.Args(out=tmp_path / "new" / name, episodes=60, frames=2, seed=seed).run() == 0
    one, same, other = ((tmp_path / "new" / name).read_bytes() for name in ("one", "same", "other"))
    assert one == same != other
    first, last = frames(tmp_path / "new" / "one")
    half = first.shape[1] // 2
    assert (first[:, :half] != last[:, :half]).any()  # the curve has grown
    assert (first[0, 0] == 255).all()


def test_draw_learning__refuses_less_than_a_batch(script: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="episodes must be an integer from 20"):
        script.Args(out=tmp_path / "out.gif", episodes=19).run()


def test_picture_in_docs__loops_is_small_and_holds_its_end(script: ModuleType) -> None:
    path = ROOT / "docs" / "figures" / "learning.gif"
    assert path.stat().st_size < 1_000_000
    with Image.open(path) as picture:
        assert picture.info["loop"] == 0 and picture.width >= 800
        picture.seek(getattr(picture, "n_frames", 1) - 1)
        assert picture.tell() >= 25 and picture.info["duration"] == script.HELD_MILLISECONDS
