"""Ray's cluster on this machine: a head without CPUs and nodes that come and go."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

HEALTH = {
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}
STORE = 80 * 1024**2


@contextmanager
def two_nodes() -> Iterator[Any]:
    from ray.cluster_utils import Cluster  # only where there is Ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "include_dashboard": False,
                "object_store_memory": STORE,
                "_system_config": HEALTH,
            },
        )
        try:
            for _ in range(2):
                made.add_node(num_cpus=2, object_store_memory=STORE)
            yield made
        finally:
            made.shutdown()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="package")
def cluster() -> Iterator[Any]:
    """A cluster for all tests that leave it as it was: it takes ten seconds to start."""
    with two_nodes() as made:
        yield made


@pytest.fixture
def own_cluster() -> Iterator[Any]:
    """A cluster for a test that breaks it."""
    with two_nodes() as made:
        yield made
