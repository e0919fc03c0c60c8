import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.patience import Patience
from nas_gym.evaluators.remembered.stored import StoredEvaluator
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.memory.store import EvaluationStore
from nas_gym.pools import Here, Processes
from nas_gym.pools.base import Pool
from nas_gym.testing import check_pool
from tests.nas_gym.doubles import quick, random_children
from tests.nas_gym.pools.trainings import CountedTrainer
from tests.nas_gym.pools.work import lines, workers_of

pytest.importorskip("ray", reason="Ray is not installed: pip install 'nas_gym[ray]'")

from nas_gym.pools.ray.pool import Ray


@pytest.mark.slow  # a cluster takes ten seconds to start, and each worker two
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # of Ray's own
def test_ray__keeps_the_contract(cluster: Any) -> None:  # noqa: ANN401
    check_pool(Ray(2, cluster.address))


def trained(
    name: str, folder: Path, pool: Pool, seconds: float = 0.0, harm: Callable[[int], object] | None = None
) -> tuple[list[Any], int]:
    """Train twenty children with a store, and do harm when the tenth has begun, to its process.

    Returns:
        What came of them, and how many trainings were begun.
    """
    problem = quick("NAS-Digits-v0", evaluator="local", recipe={"epochs": 2})
    children = random_children(problem.search_space, 20)
    begun = folder / f"{name}.txt"
    trainer = CountedTrainer(begun, problem.make_trainer(), seconds)
    store = EvaluationStore(folder / f"{name}.sqlite")

    def do_harm() -> None:
        while len(workers_of(begun)) < 10:
            time.sleep(0.01)
        assert harm is not None
        harm(workers_of(begun)[9])

    harmer = Thread(target=do_harm, daemon=True)
    if harm is not None:
        harmer.start()
    with StoredEvaluator(TrainingEvaluator(trainer, pool), store) as evaluator:
        places = {ticket: place for place, ticket in enumerate(evaluator.send(children))}
        found: dict[int, Any] = {}
        while len(found) < len(children):
            found |= {places[ticket]: evaluation for ticket, evaluation in evaluator.recv()}
            assert len(store) == len(found), "what has come is in the store"
        came = [found[place].as_info() for place in range(20)]
        known = store.find(trainer.setting(), [(each.architecture, each.seed) for each in found.values()])
        assert [known[child, found[i].seed].as_info() for i, child in enumerate(children)] == came
    return came, len(lines(begun))


@pytest.mark.slow  # a cluster takes ten seconds to start, and each worker two
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # of Ray's own
def test_ray__trains_the_same_children_and_loses_nothing_when_a_worker_is_killed(
    cluster: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    expected, started = trained("here", tmp_path, Here())
    assert started == 20 and len({str(each["seed"]) for each in expected}) == 20
    for name, pool in (("processes", Processes(2)), ("ray", Ray(2, cluster.address))):
        came, started = trained(name, tmp_path, pool, 0.3, lambda pid: os.kill(pid, signal.SIGKILL))
        assert came == expected
        assert started == 20 + 1, "the child that was lost with its worker was trained once more"


@pytest.mark.slow  # a cluster takes ten seconds to start, and each worker two
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # of Ray's own
def test_ray__trains_the_same_children_and_loses_nothing_when_a_node_is_removed(
    own_cluster: Any,  # noqa: ANN401
    tmp_path: Path,
) -> None:
    expected, _ = trained("here", tmp_path, Here())
    node = next(each for each in own_cluster.list_all_nodes() if each is not own_cluster.head_node)

    def remove(pid: int) -> None:
        own_cluster.remove_node(node, allow_graceful=False)

    came, started = trained("ray", tmp_path, Ray(4, own_cluster.address), 0.5, remove)
    assert came == expected
    assert 1 <= started - 20 <= 4, "what was under way on that node was trained once more, and nothing else"


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


@pytest.mark.slow  # a cluster takes ten seconds to start, and each worker two
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # of Ray's own
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


def test_ray__is_asked_for_by_a_mapping_and_needs_the_device_on_its_workers_alone() -> None:
    asked = {"pool": "ray", "address": "10.0.0.1:6379", "workers": 9, "device": "cuda", "timeout_seconds": 60}
    made = quick("NAS-Digits-v0", evaluator=asked)
    with made.make_evaluator() as evaluator:  # nothing is started yet
        pool = evaluator.evaluator.evaluator.pool  # type: ignore[attr-defined]
        assert isinstance(pool, Ray)
        assert (pool.workers, pool.address, pool.timeout_seconds) == (9, "10.0.0.1:6379", 60)
    with quick("NAS-Digits-v0", evaluator="ray").make_evaluator() as evaluator:
        assert isinstance(evaluator.evaluator.evaluator.pool.timeout_seconds, Patience)  # type: ignore[attr-defined]
    with pytest.raises(InvalidArgumentError, match="evaluator ray has no keyword 'host'"):
        quick("NAS-Digits-v0", evaluator={"pool": "ray", "host": "10.0.0.1"})
