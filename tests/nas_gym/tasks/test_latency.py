from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from nas_gym.evaluators.choices import Local, Processes
from nas_gym.tasks import latency
from nas_gym.tasks.classification import TrainingRecipe
from nas_gym.tasks.latency import PASSES, WARM_UPS
from tests.nas_gym.tasks.images import MadeUpSpace, build, child, classification, digits, local

DATA = digits(50, 20, 20)
RECIPE = TrainingRecipe(epochs=1)


class Watching(nn.Module):
    """Notes what it reads, and how."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[tuple[int, ...], bool, bool]] = []

    def forward(self, images: Tensor) -> Tensor:
        self.calls.append((tuple(images.shape), self.training, torch.is_inference_mode_enabled()))
        return images


def test_latency__is_the_median_of_passes_of_one_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    module = Watching()
    durations = [9.0] * WARM_UPS + [1.0, 100.0] * (PASSES // 2) + [2.0]

    def clock() -> Iterator[float]:
        now = 0.0
        for duration in durations:
            yield now
            now += duration
            yield now

    monkeypatch.setattr(latency, "perf_counter", clock().__next__)
    assert classification(DATA, RECIPE).latency(module) == 2.0
    assert module.calls == [((1, 1, 8, 8), False, True)] * len(durations)


def test_latency__is_measured_if_asked_for_and_changes_nothing_else() -> None:
    plain, timed = (
        local(build, DATA, RECIPE),
        local(build, DATA, RECIPE, measure_latency=True),
    )
    (without,), (measured,) = (e.evaluate([child("conv")]) for e in (plain, timed))
    assert without.latency_seconds is None
    assert measured.latency_seconds is not None and 0 < measured.latency_seconds < measured.seconds
    assert measured.as_info() == without.as_info()


def test_latency__makes_another_evaluator_for_a_store() -> None:
    task, space = classification(DATA, RECIPE), MadeUpSpace(build)
    ids = [
        choice(measure_latency=measured).trainer(task, space).id
        for choice in (Local, Processes)
        for measured in (False, True)
    ]
    assert ids == ["local(cpu)", "local(cpu, latency)"] * 2
