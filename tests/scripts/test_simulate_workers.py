import math
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return import_module("simulate_workers")


def test_time__is_when_the_mean_has_reached_the_target_for_good(script: ModuleType) -> None:
    def search(times: tuple[float, ...], tests: tuple[float, ...]) -> Any:  # noqa: ANN401, of the script
        return script.Search("random_search", "batch", 8, 0, times, tests, times[-1], 1.0, 1.0, 0, 2, 0.5)

    one, two = search((1.0, 5.0), (0.9, 1.0)), search((2.0, 3.0, 9.0), (1.0, 0.8, 0.9))
    assert script.time_to([one], 0.9) == 1
    assert script.time_to([one], 0.95) == 5
    assert math.isinf(script.time_to([one], 1.1))
    # An answer that is better on validation data may be worse on test data: 0.95, then 0.85, 0.9, 0.95.
    assert script.time_to([one, two], 0.9) == 5
    assert script.time_to([one, two], 0.95) == 9
