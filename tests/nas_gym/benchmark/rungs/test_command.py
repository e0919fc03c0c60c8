from pathlib import Path

import pytest

from nas_gym.benchmark.rungs import judging
from nas_gym.benchmark.rungs.command import Rungs
from nas_gym.evaluators.trainers.pytorch import TorchTrainer
from nas_gym.memory.store import EvaluationStore

KEYWORDS = [
    *("evaluator=local", "train_samples=60", "validation_samples=50", "recipe.epochs=1", "full.epochs=2"),
    *('space={"name": "pyramid", "max_layers": 4, "filters": [4, 8], "kernels": [1, 3]}',),
]


def test_rungs__are_told_in_a_table_and_nothing_is_trained_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "RESAMPLES", 50)  # what the bootstrap tells is tested beside it
    store = tmp_path / "folder" / "rungs.sqlite"
    assert Rungs(networks=3, env_kwargs=KEYWORDS, store=store).run() == 0
    out = capsys.readouterr().out
    assert out.count("6/6") == 2, "how far it is"
    assert "tau with full [95 %]" in out and "1, full" in out
    assert "rung 0: adam(epochs=1" in out and "rung 1: adam(epochs=2" in out
    assert len(EvaluationStore(store)) == 2 * 3 * 2
    monkeypatch.setattr(TorchTrainer, "train", None)
    assert Rungs(networks=3, env_kwargs=KEYWORDS, store=store).run() == 0
    assert capsys.readouterr().out.splitlines()[-6:] == out.splitlines()[-6:]
