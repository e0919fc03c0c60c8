import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Trainer, child_seed
from nas_gym.evaluators.local import LocalEvaluator
from nas_gym.evaluators.processes import ProcessEvaluator
from nas_gym.problems.assembly import assemble
from nas_gym.search_spaces import Architecture
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.initialisation import UnknownLayerError
from nas_gym.tasks.supervised.recipe import TrainingRecipe
from nas_gym.testing import check_evaluator
from tests.nas_gym.tasks.images import build, child, digits

DATA = digits()
RECIPE = TrainingRecipe(epochs=2, patience=None, augmentation="crop")
NETWORKS = [child("conv", str(filters)) for filters in (4, 8, 12)]

# A worker imports PyTorch before it is ready, some three seconds of a core.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("processes") / "died"


@pytest.fixture(scope="module")
def pool(once: Path) -> Iterator[ProcessEvaluator]:
    """Two workers for all tests, which also shows that they live on."""
    evaluator = ProcessEvaluator(partial(build, once=once), DATA, RECIPE, workers=2)
    yield evaluator
    evaluator.close()


def timeless(evaluations: list[Evaluation]) -> list[Evaluation]:
    return [replace(evaluation, seconds=0.0) for evaluation in evaluations]


def local() -> LocalEvaluator:
    return LocalEvaluator(build, DATA, RECIPE)


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    return [p for p in process.children(recursive=True) if any("popen_loky" in word for word in p.cmdline())]


def test_processes__keep_the_contract_of_a_trainer(pool: ProcessEvaluator) -> None:
    assert isinstance(pool, Trainer)
    check_evaluator(pool, [*NETWORKS, NETWORKS[0]])


def test_processes__give_what_local_gives(pool: ProcessEvaluator) -> None:
    assert pool.id == local().id
    found = pool.evaluate(NETWORKS)
    assert timeless(found) == timeless(local().evaluate(NETWORKS))
    assert [evaluation.seed for evaluation in found] == [child_seed(0, network) for network in NETWORKS]
    assert timeless(pool.evaluate(NETWORKS, [3, 2, 1])) == timeless(local().evaluate(NETWORKS, [3, 2, 1]))


def test_processes__lose_nothing_but_the_children_that_go_wrong(
    pool: ProcessEvaluator, once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "timeout_seconds", 4)
    bad = ["raises", "is-too-large", "is-not-finite", "dies", "dies-once", "never-ends"]
    children = [NETWORKS[0], *(child(what) for what in bad), NETWORKS[1]]
    found = timeless(pool.evaluate(children))
    assert [evaluation.architecture for evaluation in found] == children
    result = {evaluation.architecture.tokens[0]: evaluation for evaluation in found[1:-1]}
    assert [found[0], found[-1]] == timeless(local().evaluate(NETWORKS[:2]))
    assert result["raises"].reason == "ValueError: this network cannot be"
    assert "RuntimeError" in (result["is-too-large"].reason or "")
    assert result["is-not-finite"].reason == "the weights are not finite after epoch 1"
    assert result["dies"].reason == "its worker process died 2 times, at last of SIGKILL(-9)"
    assert result["never-ends"].reason == "stopped after 4 seconds"
    for what in bad:
        status = {"never-ends": "timed_out", "dies-once": "ok"}.get(what, "failed")
        assert result[what].status == status
        assert (result[what].validation_accuracy is not None) == (status == "ok")
        assert "\n" not in (result[what].reason or "")
    assert once.exists()
    # The worker that was killed at last was replaced, and both go on.
    assert timeless(pool.evaluate(NETWORKS)) == timeless(local().evaluate(NETWORKS))


def test_processes__survive_a_worker_that_is_killed_between_children(pool: ProcessEvaluator) -> None:
    pool.evaluate(NETWORKS)
    workers_of(psutil.Process())[0].kill()
    assert timeless(pool.evaluate(NETWORKS)) == timeless(local().evaluate(NETWORKS))


def test_processes__give_the_same_for_another_number_of_workers_and_leave_none_behind() -> None:
    def build_here(architecture: Architecture) -> Any:  # noqa: ANN401
        """As in a notebook: a function that no other process can import."""
        return build(architecture)

    expected = timeless(local().evaluate(NETWORKS))
    before = set(workers_of(psutil.Process()))
    evaluator = ProcessEvaluator(build_here, DATA, RECIPE, workers=1)
    assert set(workers_of(psutil.Process())) == before  # none before it is needed
    assert timeless(evaluator.evaluate(NETWORKS)) == expected
    (worker,) = set(workers_of(psutil.Process())) - before
    folder = evaluator._folder
    assert folder is not None and folder.exists()
    with pytest.raises(UnknownLayerError, match="PReLU"):  # every other child would end the same way
        evaluator.evaluate([child("is-unknown"), *NETWORKS])
    evaluator.close()
    assert not worker.is_running()
    assert not folder.exists()


def test_processes__are_pickled_without_workers(pool: ProcessEvaluator) -> None:
    pool.evaluate(NETWORKS[:1])
    copy = pickle.loads(pickle.dumps(pool))
    assert (copy.id, copy.seed, copy._workers, copy._folder) == (pool.id, pool.seed, [], None)
    copy.close()


SCRIPT = """
import signal
from nas_gym.evaluators.processes import ProcessEvaluator
from nas_gym.tasks.supervised.recipe import TrainingRecipe
from tests.nas_gym.tasks.images import build, child, digits

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started the tests may ignore it
evaluator = ProcessEvaluator(build, digits(), TrainingRecipe(epochs=1), workers=1)
print(evaluator.evaluate([child("conv")])[0].status, evaluator._folder, flush=True)
try:
    evaluator.evaluate([child("never-ends")])
except KeyboardInterrupt:
    print(evaluator.evaluate([child("conv")])[0].status, evaluator._folder, flush=True)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_processes__do_not_outlive_their_parent(end: signal.Signals) -> None:
    """Killed during a batch; and interrupted by Ctrl-C, after which it works and ends without ``close``."""
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        try:
            assert parent.stdout is not None and parent.stderr is not None
            status, folder = parent.stdout.readline().split()
            family = psutil.Process(parent.pid).children(recursive=True)
            assert status == "ok" and workers_of(psutil.Process(parent.pid))
            time.sleep(0.2)  # now the child that never ends has begun
            # As a terminal does: the signal reaches the workers too; SIGKILL is for the parent alone.
            (os.killpg if end == signal.SIGINT else os.kill)(parent.pid, end)
            if end == signal.SIGINT:
                status, again = parent.stdout.readline().split()
                assert status == "ok" and again != folder
                assert not Path(folder).exists()
                folder = again
            errors = parent.stderr.read()
            assert parent.wait() == (0 if end == signal.SIGINT else -end)
        finally:
            parent.kill()  # or leaving the block would wait for it
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []
    assert not Path(folder).exists()
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"workers": 0}, "workers must be a positive integer or None, got 0"),
        ({"workers": 1.5}, "got 1.5"),
        ({"timeout_seconds": 0}, "timeout_seconds must be a positive number or None, got 0"),
        ({"timeout_seconds": float("nan")}, "got nan"),
        ({"timeout_seconds": "1"}, "got '1'"),
        ({"device": "abacus"}, "device 'abacus' cannot be used here"),
    ],
)
def test_processes__refuse_what_is_out_of_range(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        ProcessEvaluator(build, DATA, RECIPE, **keywords)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


kept: list[ProcessEvaluator] = []


def evaluate_and_keep() -> None:
    kept.append(ProcessEvaluator(build, DATA, RECIPE, workers=1))  # as a cache of a benchmark's process does
    kept[0].evaluate(NETWORKS[:1])


def test_processes__let_a_child_of_multiprocessing_end() -> None:
    process = multiprocessing.get_context("spawn").Process(target=evaluate_and_keep)
    process.start()
    process.join(60)
    try:
        assert process.exitcode == 0
    finally:
        process.kill()


@pytest.mark.parametrize(
    "tokens", ["conv3x3-8-pool2-drop0.25", "conv5x5-8-pool1-drop0 conv3x3-8-pool2-drop0.5"]
)
def test_processes__give_what_local_gives_for_networks_of_the_registry(tokens: str) -> None:
    found = []
    for evaluator in ("processes", "local"):
        parts = assemble("NAS-Digits-v0", evaluator=evaluator, train_samples=100, epochs=2)
        found.append(timeless(parts.evaluator.evaluate([parts.search_space.parse(tokens)])))
    assert found[0] == found[1]
    assert found[0][0].status == "ok"
