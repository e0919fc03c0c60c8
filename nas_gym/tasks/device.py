"""Where PyTorch computes: on which device, and untouched by whatever state the session is in."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

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
def alone() -> Iterator[None]:
    """Compute as in a new session, on one thread, and leave the session as it was.

    With more threads sums come out differently in the last digits; and a default type, ``no_grad`` or
    autocast that somebody has set outside must neither fail a child nor change what it learns.
    """
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
        # The context costs time at every call, so it is entered only where it is needed.
        nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu"),
    ):
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_default_dtype(dtype)


def load_optimizers() -> None:
    """Have PyTorch import what its first optimizer needs."""
    torch.optim.SGD([torch.zeros(1)], lr=1.0)
