from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def cell_speed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return import_module("cell_speed")


@pytest.mark.timeout(60)  # may compile the kernel
def test_cells__are_measured_beside_models_that_learn_the_same(cell_speed: ModuleType) -> None:
    measured = cell_speed.measure_cells(8, 1)
    assert list(measured) == ["model", "layer"]
    for seconds in measured.values():
        assert list(seconds) == ["nascell", "plain", "lstm", "torch_lstm"]
        assert all(value > 0 for value in seconds.values())


@pytest.mark.timeout(60)  # may compile the kernel
def test_cells__are_not_measured_beside_others(
    cell_speed: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell_speed, "torch_lstm", lambda layer: nn.LSTM(layer.units, layer.units))
    with (
        torch.random.fork_rng(),
        pytest.raises(AssertionError, match="losses of lstm and torch_lstm"),
    ):
        cell_speed.measure_cells(8, 1)
