import pickle
import threading
import time
from collections.abc import Callable

import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.pools import Here, Pool, Processes, Threads
from nas_gym.testing import check_pool


@pytest.mark.parametrize(
    "make",
    [Here, lambda: Threads(2), Threads, lambda: Processes(2)],
    ids=["here", "threads", "cores", "processes"],
)
def test_pools__keep_the_contract(make: Callable[[], Pool]) -> None:
    check_pool(make())


@pytest.mark.parametrize("kind", [Threads, Processes])
@pytest.mark.parametrize("workers", [0, -1, 1.5, "2", True])
def test_pools__refuse_numbers_of_workers(kind: type[Threads | Processes], workers: object) -> None:
    with pytest.raises(InvalidArgumentError, match=r"^workers must be None or an integer from 1, got .*$"):
        kind(workers)  # type: ignore[arg-type]


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "1", True])
def test_processes__refuse_timeouts(seconds: object) -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"^timeout_seconds must be a positive number or None, got"
    ):
        Processes(1, timeout_seconds=seconds)  # type: ignore[arg-type]


def test_here__works_in_order_when_it_is_asked() -> None:
    done: list[int] = []
    results = Here().map(done.append, [1, 2, 3])
    assert next(results) == (0, None)
    assert done == [1]


def test_threads__work_at_the_same_time_and_leave_no_thread() -> None:
    before = threading.enumerate()
    barrier = threading.Barrier(2, timeout=5)
    pool = Threads(2)
    assert len(list(pool.map(lambda _: barrier.wait(), range(2)))) == 2
    assert set(threading.enumerate()) <= set(before)  # of which those of other tests may have ended
    assert pickle.loads(pickle.dumps(pool)).workers == 2


def test_threads__are_not_waited_for_when_the_results_are_dropped() -> None:
    # The garbage collector may drop them where waiting would never end.
    go_on = threading.Event()
    results = Threads(2).map(lambda item: item == 0 or go_on.wait(10), [0, 1])
    assert next(results) == (0, True)
    begun = time.monotonic()
    results.close()  # type: ignore[attr-defined] # a generator
    assert time.monotonic() - begun < 5
    go_on.set()


def test_threads__drop_what_has_not_begun_after_an_exception() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        time.sleep(0.01)
        done.append(item)
        raise LookupError

    with pytest.raises(LookupError):
        list(Threads(1).map(work, range(500)))
    assert len(done) < 500
