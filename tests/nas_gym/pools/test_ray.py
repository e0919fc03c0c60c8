"""Ray's cluster on this machine: a head without CPUs and nodes that come and go."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from nas_gym.errors import InvalidArgumentError, WorkerError
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.pools import Fault, Here, Processes
from nas_gym.testing import check_pool
from tests.nas_gym.doubles import quick, random_children
from tests.nas_gym.pools.work import CannotStart, Counted

ray: Any = pytest.importorskip("ray", reason="Ray is not installed: pip install 'nas_gym[ray]'")
from ray.cluster_utils import Cluster  # noqa: E402, only where there is Ray

from nas_gym.pools.ray.pool import Ray  # noqa: E402

pytestmark = [
    pytest.mark.slow,  # a cluster takes ten seconds to start, and each worker two
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # of Ray's own
]

HEALTH = {
    "health_check_period_ms": 1000,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}
STORE = 80 * 1024**2


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
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


def lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1] if path.exists() else []


def workers_of(path: Path) -> list[int]:
    """Return the processes that have begun an item, in order."""
    return [int(line.split()[1]) for line in lines(path)]


def test_ray__keeps_the_contract(cluster: Any) -> None:  # noqa: ANN401
    check_pool(Ray(2, cluster.address))


def test_ray__trains_the_same_children_whatever_dies(cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401
    problem = quick("NAS-Digits-v0", evaluator="local", recipe={"epochs": 2})
    children = random_children(problem.search_space, 20)

    def evaluate(pool: Any) -> list[Any]:  # noqa: ANN401
        with TrainingEvaluator(problem.make_trainer(), pool) as evaluator:
            return [each.as_info() for each in evaluator.evaluate(children)]

    expected = evaluate(Here())
    assert evaluate(Processes(2)) == expected
    assert evaluate(Ray(2, cluster.address)) == expected


def test_ray__loses_nothing_with_a_worker_and_a_node(cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401
    begun = tmp_path / "begun"
    items = [(number, "", 1.0) for number in range(24)]
    found: dict[int, int | Fault] = {}
    with Ray(4, cluster.address) as pool:
        channel = pool.open(Counted(str(begun)))
        numbers = {channel.send(item): item[0] for item in items}
        while len(found) < len(items):
            for number, result in channel.recv():
                found[numbers[number]] = result
            if len(found) >= 4 and cluster is not None:
                os.kill(workers_of(begun)[-1], signal.SIGKILL)
                node = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)
                cluster.remove_node(node, allow_graceful=False)
                cluster = None
        assert found == {number: number for number in range(24)}
    lost = len(lines(begun)) - 24
    assert 1 <= lost <= 4  # what was under way, and nothing else


def test_ray__goes_on_without_a_node_that_is_silent(cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401
    begun = tmp_path / "begun"
    with Ray(4, cluster.address) as pool:
        work = Counted(str(begun))
        assert len(dict(pool.map(work, [(number, "", 0.5) for number in range(8)]))) == 8
        node = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)
        raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
        stopped = [raylet, *raylet.children(recursive=True)]
        for process in stopped:
            process.suspend()
        start = time.monotonic()
        try:
            found = dict(pool.map(work, [(number, "", 0.5) for number in range(8)]))
            assert found == {number: number for number in range(8)}
            assert time.monotonic() - start < 90
        finally:
            for process in stopped:
                if process.is_running():
                    process.kill()


def test_ray__tells_what_became_of_a_child(cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401
    work = Counted(str(tmp_path / "begun"))
    with Ray(2, cluster.address, timeout_seconds=3) as pool:
        items = [(0, "", 0.0), (1, "", 1e6), (2, "hold", 0.0), (3, "die", 0.0), (4, "", 0.0)]
        found = dict(pool.map(work, items))
        assert (found[0], found[4]) == (0, 4)
        for late in (found[1], found[2]):
            assert isinstance(late, Fault)
            assert (late.kind, late.reason) == ("timed_out", "stopped after 3 seconds") and late.seconds < 10
        assert isinstance(found[3], Fault)
        assert (found[3].kind, found[3].reason) == ("died", "its worker died 2 times")
        with pytest.raises(LookupError, match="not this one"):
            list(pool.map(work, [(0, "raise", 0.0)]))
        with pytest.raises(MemoryError):
            list(pool.map(work, [(0, "memory", 0.0)]))
        assert list(pool.map(work, [(7, "", 0.0)])) == [(0, 7)]


@pytest.mark.parametrize("how", ["dies", "raises"])
def test_ray__says_in_one_line_that_no_worker_can_be_started(cluster: Any, how: str) -> None:  # noqa: ANN401
    with Ray(1, cluster.address) as pool:
        with pytest.raises(WorkerError, match=r"^no Ray worker was ready after 3 tries, .*$"):
            list(pool.map(CannotStart(how), [1, 2]))
        assert list(pool.map(abs, [-1])) == [(0, 1)]


def test_ray__gives_several_short_items_in_one_call(cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401
    with Ray(2, cluster.address) as pool:
        work = Counted(str(tmp_path / "begun"))
        list(pool.map(work, [(0, "", 0.0)] * 4))
        start = time.perf_counter()
        assert len(list(pool.map(work, [(number, "", 0.0) for number in range(400)]))) == 400
        assert time.perf_counter() - start < 400 * 0.01


PROGRAM = """
import signal, sys, time
from nas_gym.pools.ray.pool import Ray
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it

if __name__ == "__main__":
    pool = Ray(2)
    list(pool.map(abs, [-1, -2]))
    print("ready", flush=True)
    try:
        list(pool.map(time.sleep, [1e6] * 3))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_ray__that_was_started_here_ends_with_ctrl_c(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        processes: set[psutil.Process] = set()
        try:
            assert parent.stdout is not None and parent.stdout.readline() == "ready\n"
            time.sleep(1)
            processes = set(psutil.Process(parent.pid).children(recursive=True))
            assert len(processes) > 3
            os.killpg(parent.pid, signal.SIGINT)
            assert parent.stdout.readline() == "interrupted\n"
            _, alive = psutil.wait_procs(processes, timeout=15)
            assert alive == []
            assert parent.wait(15) == 0
        finally:
            parent.kill()
            for process in processes:
                if process.is_running():
                    process.kill()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"workers": 0}, "workers must be"),
        ({"address": ""}, "address must be"),
        ({"cpus_per_child": 0}, "cpus_per_child must be"),
        ({"gpus_per_child": -1}, "gpus_per_child must be"),
        ({"timeout_seconds": 0}, "timeout_seconds must be"),
    ],
)
def test_ray__refuses_what_cannot_be(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"^{says}"):
        Ray(**wrong)


@pytest.mark.parametrize("nowhere", ["127.0.0.1:1", "auto"])
def test_ray__that_is_not_there_is_one_line(nowhere: str) -> None:
    with Ray(1, nowhere) as pool, pytest.raises(WorkerError, match=f"^there is no Ray at {nowhere}, it must"):
        list(pool.map(abs, [-1]))


def test_ray__is_asked_for_by_a_mapping_and_needs_the_device_on_its_workers_alone() -> None:
    asked = {"pool": "ray", "address": "10.0.0.1:6379", "workers": 9, "device": "cuda", "timeout_seconds": 60}
    made = quick("NAS-Digits-v0", evaluator=asked)
    with made.make_evaluator() as evaluator:  # nothing is started yet
        pool = evaluator.evaluator.evaluator.pool  # type: ignore[attr-defined]
        assert isinstance(pool, Ray)
        assert (pool.workers, pool.address, pool.timeout_seconds) == (9, "10.0.0.1:6379", 60)
    with pytest.raises(InvalidArgumentError, match="evaluator ray has no keyword 'host'"):
        quick("NAS-Digits-v0", evaluator={"pool": "ray", "host": "10.0.0.1"})
