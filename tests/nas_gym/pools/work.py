"""What the tests let workers do; a worker imports this file, so it is light."""

import os
import time
from pathlib import Path

import numpy as np


def pid(_: object) -> int:
    return os.getpid()


def die(code: int) -> None:
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


def sleep_or_pid(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


class SlowToStart:
    """Takes longer to be loaded and to be warm than an item may take."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __setstate__(self, state: dict[str, float]) -> None:
        self.__dict__.update(state)
        time.sleep(self.seconds)

    def warm_up(self) -> None:
        time.sleep(self.seconds)

    def __call__(self, item: int) -> int:
        return item


class CannotStart:
    def __init__(self, how: str) -> None:
        self.how = how

    def warm_up(self) -> None:
        if self.how == "dies":
            die(-9)
        raise LookupError("two\nlines")

    def __call__(self, item: int) -> int:
        return item


class TwoArgumentsError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one}\n{two}")


class Large:
    """Holds an array in which a worker says who it is."""

    def __init__(self) -> None:
        self.array = np.arange(2_000_000)
        self.fixed = np.asfortranarray(np.ones((3, 4)))
        self.fixed.flags.writeable = False

    def __call__(self, item: int) -> tuple[int, bool, bool, list[str], int]:
        kept = int(self.array.sum()) - int(self.array[item])
        self.array[item] = -1  # its own copy
        with open("/proc/self/maps") as maps:
            mapped = [line for line in maps if "(deleted)" in line and "-p " in line]
        aligned = self.array.ctypes.data % 64 == 0
        return kept, aligned, self.fixed.flags.writeable, mapped, os.getpid()


def threads_and_loss(width: int) -> tuple[int, dict[str, str | None], int, float]:
    import torch

    torch.manual_seed(0)
    layer = torch.nn.Linear(width, width)
    optimizer = torch.optim.Adam(layer.parameters())
    inputs = torch.ones(256, width)
    for _ in range(5):
        optimizer.zero_grad()
        loss = layer(inputs).square().mean()
        loss.backward()
        optimizer.step()
    names = ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
    return torch.get_num_threads(), {n: os.environ.get(n) for n in names}, os.getppid(), loss.item()


class Counted:
    """Writes a line to a file for each item that it begins, then does what the item says.

    An item is ``(number, what, seconds)``: sleep so long, then return the number; ``"raise"``, ``"memory"``,
    ``"die"`` after it, or hold Python's lock for ever.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, item: tuple[int, str, float]) -> int:
        number, what, seconds = item
        with open(self.path, "a") as file:
            file.write(f"{number} {os.getpid()}\n")
        time.sleep(seconds)
        if what == "raise":
            raise LookupError("not this one")
        if what == "memory":
            np.empty(2**50, np.uint8)
        if what == "die":
            die(-9)
        if what == "hold":
            import re

            re.match(r"(a+)+$", "a" * 60 + "b")  # in C, and for ages
        return number


def lines(path: Path) -> list[str]:
    """Return what ``Counted`` has written."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


def workers_of(path: Path) -> list[int]:
    """Return the processes that have begun an item, in order."""
    return [int(line.split()[-1]) for line in lines(path)]
