"""What all tests share."""

import os

# The workers share the cores: more threads each, of linear algebra for example, would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch

import nas_gym


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all workers, who begin with equal parts of the tests, begin with slow ones, the slowest first.

    So no core waits at the end for the others: what is left then is quick.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items.sort(key=_seconds_allowed, reverse=True)
    items[:] = [item for worker in range(workers) for item in items[worker::workers]]


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
