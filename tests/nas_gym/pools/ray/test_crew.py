import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from nas_gym.errors import WorkerError
from nas_gym.pools.fault import Fault
from tests.nas_gym.pools.work import CannotStart, Counted, lines, workers_of

pytest.importorskip("ray", reason="Ray is not installed: pip install 'nas_gym[ray]'")

from nas_gym.pools.ray import crew
from nas_gym.pools.ray.pool import Ray

pytestmark = [
    pytest.mark.slow,  # a cluster takes ten seconds to start, and each worker two
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # of Ray's own
]


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


def test_ray__heeds_a_limit_that_is_known_later(
    cluster: Any,  # noqa: ANN401
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew, "LOOK_SECONDS", 0.5)
    limits: dict[int, float | None] = {}
    with Ray(2, cluster.address, timeout_seconds=lambda item: limits.get(item[0])) as pool:
        channel = pool.open(Counted(str(tmp_path / "begun")))
        hanging, other = channel.send((1, "", 1e6)), channel.send((2, "", 1.0))
        limits[2] = 0.3
        ((number, late),) = channel.recv()
        assert isinstance(late, Fault)
        assert (number, late.kind, late.reason) == (other, "timed_out", "stopped after 0.3 seconds")
        assert channel.recv(timeout=2) == [], "nobody knows yet how long it may take"
        limits[1] = 3.5
        ((number, late),) = channel.recv()
        assert isinstance(late, Fault)
        assert (number, late.kind, late.reason) == (hanging, "timed_out", "stopped after 3.5 seconds")


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


def test_ray__loses_nothing_with_a_worker_and_a_node(own_cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401
    begun = tmp_path / "begun"
    items = [(number, "", 1.0) for number in range(24)]
    found: dict[int, int | Fault] = {}
    nodes = [node for node in own_cluster.list_all_nodes() if node is not own_cluster.head_node][:1]
    with Ray(4, own_cluster.address) as pool:
        channel = pool.open(Counted(str(begun)))
        numbers = {channel.send(item): item[0] for item in items}
        while len(found) < len(items):
            for number, result in channel.recv():
                found[numbers[number]] = result
            if len(found) >= 4 and nodes:
                os.kill(workers_of(begun)[-1], signal.SIGKILL)
                own_cluster.remove_node(nodes.pop(), allow_graceful=False)
        assert found == {number: number for number in range(24)}
    lost = len(lines(begun)) - 24
    assert 1 <= lost <= 4  # what was under way, and nothing else


def test_ray__goes_on_without_a_node_that_is_silent(own_cluster: Any, tmp_path: Path) -> None:  # noqa: ANN401
    begun = tmp_path / "begun"
    with Ray(4, own_cluster.address) as pool:
        work = Counted(str(begun))
        assert len(dict(pool.map(work, [(number, "", 0.5) for number in range(8)]))) == 8
        node = next(node for node in own_cluster.list_all_nodes() if node is not own_cluster.head_node)
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
