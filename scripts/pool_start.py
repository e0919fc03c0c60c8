"""How long worker processes take until they can train; used by ``benchmark_speed.py``."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from joblib.externals.loky import ProcessPoolExecutor

from nas_gym.pools import Processes

HERE = Path(__file__).parent
PRELOAD = ("torch._dynamo",)
"""What PyTorch's optimizers need, and PyTorch with it."""

PROGRAM = """
from pool_start import {start}
finish = {start}({workers})
import torch._dynamo  # as whoever makes an environment that trains with PyTorch
finish()
"""


def measure_pool_start(workers: int = 2, rounds: int = 3) -> dict[str, float]:
    """Return the median seconds until workers have made an optimizer, which is when they can train.

    ``"loky"`` imports PyTorch in each worker, ``"processes"`` once in a server that forks them.
    ``"program_..."`` is the same for a whole program that imports PyTorch itself, too; a server does so at
    the same time. ``"replaced"`` is what a worker takes in the place of one that died.
    """
    seconds: dict[str, list[float]] = {}

    def measure(name: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        seconds.setdefault(name, []).append(time.perf_counter() - start)

    for _ in range(rounds):
        for start in (start_loky, start_processes):
            name = start.__name__.removeprefix("start_")
            measure(name, start(workers))
            program = PROGRAM.format(start=start.__name__, workers=workers)
            measure(
                f"program_{name}",
                partial(subprocess.run, [sys.executable, "-c", program], cwd=HERE, check=True),
            )
        with Processes(1, preload=PRELOAD) as pool:
            ((_, process),) = pool.map(make_optimizer, [0.0])
            assert isinstance(process, int)
            os.kill(process, signal.SIGKILL)
            measure("replaced", partial(list, pool.map(make_optimizer, [0.0])))
    return {name: median(each) for name, each in seconds.items()}


def start_loky(workers: int) -> Callable[[], object]:
    """Return what waits for workers of loky; they start with their first item."""
    executor = ProcessPoolExecutor(workers, env={"OMP_NUM_THREADS": "1"})

    def finish() -> None:
        list(executor.map(make_optimizer, [0.2] * workers))
        executor.shutdown(kill_workers=True)

    return finish


def start_processes(workers: int) -> Callable[[], object]:
    """Return what waits for workers of a pool, whose server starts now."""
    pool = Processes(workers, preload=PRELOAD, start=True)

    def finish() -> None:
        list(pool.map(make_optimizer, [0.2] * workers))
        pool.close()

    return finish


def make_optimizer(seconds: float) -> int:
    """Do what the first child in a process has to wait for; sleep, so that no worker does the work of two."""
    import torch

    torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))])
    time.sleep(seconds)
    return os.getpid()
