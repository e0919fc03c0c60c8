"""PyTorch as in a new session: what a program has set for itself changes no agent."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch


@contextmanager
def alone() -> Iterator[None]:
    """Compute with PyTorch's usual settings, and leave the session as it was; also a decorator.

    A program may collect under ``no_grad`` or ``inference_mode``, train under autocast, or have another
    default type, device, precision or number of threads: an agent learns the same. Its products are small, so
    it takes one thread: with more, some processors add them up in another order.
    """
    dtype, precision = torch.get_default_dtype(), torch.get_float32_matmul_precision()
    threads = torch.get_num_threads()
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
        # A context costs time at every call, so this one is entered only where it is needed.
        nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu"),
    ):
        torch.set_default_dtype(torch.float32)
        if precision != "highest":
            torch.set_float32_matmul_precision("highest")
        if threads != 1:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            if precision != "highest":
                torch.set_float32_matmul_precision(precision)
            if threads != 1:
                torch.set_num_threads(threads)
