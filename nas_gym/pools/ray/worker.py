"""What runs in a worker of a Ray cluster: it takes functions and applies them."""

import os
import pickle
import sys
import time
from collections.abc import Callable, Sequence

from nas_gym.extras import needs
from nas_gym.pools.base import warm_up
from nas_gym.pools.fork_server import ENVIRONMENT
from nas_gym.pools.forked import pickled_answer

with needs("ray", "a cluster"):
    import ray

KNOWN = 4
"""Functions that a worker remembers."""
Packed = tuple[bytes, list[bytes]]
"""A function, pickled, and its arrays."""


class RayWorker:
    """An actor with one thread that lives until something kills it.

    Args:
        path: Where the driver looks for modules: on one machine, what is not installed is found as there.
    """

    def __init__(self, path: Sequence[str]) -> None:
        sys.path += [entry for entry in path if entry not in sys.path]
        os.environ.update(ENVIRONMENT)
        self._functions: dict[int, Callable[[object], object]] = {}

    def start(self) -> str:
        """Return the id of the node on which this lives."""
        node: str = ray.get_runtime_context().get_node_id()
        return node

    def take(self, number: int, packed: Packed) -> bytes:
        """Take a function, and have it warm; the answer is as that of a worker process.

        Args:
            number: What it is called from now on.
            packed: Its arrays are copied, since what lies in Ray's store cannot be changed.
        """
        try:
            pickled, arrays = packed
            function = pickle.loads(pickled, buffers=[bytearray(array) for array in arrays])
            if "torch" in sys.modules:
                sys.modules["torch"].set_num_threads(1)
            warm_up(function)
            self._functions[number] = function
            for old in list(self._functions)[:-KNOWN]:
                del self._functions[old]
        except Exception as error:
            return pickled_answer(False, error)
        return pickled_answer(True, None)

    def do(self, number: int, items: Sequence[bytes]) -> list[tuple[bytes, float]]:
        """Apply a function to pickled items; return for each the answer and the seconds it took."""
        return [self._do(number, item) for item in items]

    def _do(self, number: int, item: bytes) -> tuple[bytes, float]:
        begun = time.perf_counter()
        try:
            answer = pickled_answer(True, self._functions[number](pickle.loads(item)))
        except Exception as error:
            answer = pickled_answer(False, error)
        return answer, time.perf_counter() - begun
