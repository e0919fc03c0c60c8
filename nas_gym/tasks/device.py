"""Where PyTorch computes: on which device, on how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nas_gym.errors import InvalidArgumentError


def check_device(device: str) -> None:
    """Refuse a device that PyTorch cannot use here.

    Raises:
        InvalidArgumentError: If there is no such device.
    """
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        cause = str(error).splitlines()[0]
        raise InvalidArgumentError(f"device {device!r} cannot be used here: {cause}") from None


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: with more of them, sums come out differently in the last digits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
