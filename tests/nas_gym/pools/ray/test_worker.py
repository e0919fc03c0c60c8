import pickle

import cloudpickle
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("ray", reason="Ray is not installed: pip install 'nas_gym[ray]'")

from nas_gym.pools.ray.worker import KNOWN, Packed, RayWorker


class Adds:
    def __init__(self, array: NDArray[np.int64]) -> None:
        self.array = array

    def __call__(self, item: int) -> int:
        self.array += 1  # it is the worker's own
        return int(self.array[0]) // item


def packed(function: object) -> Packed:
    arrays: list[pickle.PickleBuffer] = []
    pickled = cloudpickle.dumps(function, protocol=5, buffer_callback=arrays.append)
    return pickled, [array.raw().tobytes() for array in arrays]


def test_worker__applies_functions_with_arrays_of_its_own_and_returns_what_they_raise() -> None:
    worker = RayWorker([])
    assert pickle.loads(worker.take(3, packed(Adds(np.full(5, 7))))) == (True, None)
    (first, seconds), (second, _), (third, _) = worker.do(3, [pickle.dumps(item) for item in (1, 0, 2)])
    assert pickle.loads(first) == (True, 8) and 0 <= seconds < 1
    done, error = pickle.loads(second)
    assert not done and isinstance(error, ZeroDivisionError)
    assert pickle.loads(third) == (True, 10 // 2)


def test_worker__says_that_it_cannot_take_a_function() -> None:
    done, error = pickle.loads(RayWorker([]).take(0, (b"no pickle", [])))
    assert not done and isinstance(error, Exception)


def test_worker__forgets_the_oldest_functions() -> None:
    worker = RayWorker([])
    for number in range(KNOWN + 1):
        worker.take(number, packed(abs))
    assert pickle.loads(worker.do(KNOWN, [pickle.dumps(-2)])[0][0]) == (True, 2)
    done, error = pickle.loads(worker.do(0, [pickle.dumps(-2)])[0][0])
    assert not done and isinstance(error, KeyError)
