"""Work in threads of this process, for functions that release Python's lock."""

from concurrent.futures import ThreadPoolExecutor

from joblib import cpu_count

from nas_gym.checks import optional_integer
from nas_gym.pools.base import Pool, Warmth, Work
from nas_gym.pools.channel import Channel, FutureChannel, Item, Result


class Threads(Pool):
    """Works in threads of this process, which cannot be stopped: a channel that is closed waits for them.

    A channel, and so each ``map``, has its own threads, which end with it: any that live longer would be dead
    in a fork of this process. What is dropped waits for none of them.

    Args:
        workers: Number of threads; by default one for each core that this process may use.

    Raises:
        InvalidArgumentError: If ``workers`` is not a positive integer.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = optional_integer("workers", workers, 1) or cpu_count()
        self._warmth = Warmth()

    def open(self, function: Work[Item, Result]) -> Channel[Item, Result]:
        """Return a channel with threads of its own."""
        self._warmth.warm_up(function)
        threads = ThreadPoolExecutor(self.workers)

        def end(_: object, wait: bool) -> None:
            threads.shutdown(wait, cancel_futures=True)

        return FutureChannel(lambda item: threads.submit(function, item), end, lambda: None)

    def close(self) -> None:
        """Do nothing: threads end with their channel."""
