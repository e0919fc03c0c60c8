"""What all tests share."""

import pytest
import torch

import nas_gym


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let both workers, who begin with a half of the tests each, begin with slow ones, the slowest first.

    So no core waits at the end for the other one: what is left then is quick.
    """
    items.sort(key=_seconds_allowed, reverse=True)
    items[:] = [*items[::2], *items[1::2]]


def _seconds_allowed(item: pytest.Item) -> float:
    if item.get_closest_marker("slow") is None:
        return 0.0
    timeout = item.get_closest_marker("timeout")
    return 1.0 if timeout is None else float(timeout.args[0])


@pytest.fixture(scope="session", autouse=True)
def compiled_kernel() -> None:
    """Compile the kernel and let PyTorch load its optimizers, so that no test's time holds it."""
    torch.set_num_threads(1)
    for evaluator in ("fused", "local"):
        problem = nas_gym.problem("NAS-Moons-v0", evaluator=evaluator, recipe={"epochs": 1})
        problem.make_evaluator().evaluate([problem.search_space.parse("Linear-1")])
