"""Where PyTorch computes: on which device, and untouched by whatever state the session is in."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
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

    With more threads sums come out differently in the last digits; and a default type, ``no_grad``, autocast,
    a precision of products or NumPy's way with errors that somebody has set outside must neither fail a
    child nor change what it learns.
    """
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
        torch.autocast("cuda", enabled=False),
        # A context costs time at every call, so some are entered only where they are needed.
        nullcontext() if torch.get_default_device().type == "cpu" else torch.device("cpu"),
        torch.autograd.set_detect_anomaly(False) if torch.is_anomaly_enabled() else nullcontext(),
        np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"),
        _usual_precision(),
        _usual_algorithms(),
    ):
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_default_dtype(dtype)


@contextmanager
def _usual_precision() -> Iterator[None]:
    """Multiply float32 as float32."""
    products = torch.get_float32_matmul_precision()
    if products != "highest":
        torch.set_float32_matmul_precision("highest")
    mkldnn: Any = torch.backends.mkldnn
    changed: list[tuple[Any, str]] = []
    # The first stands for all that say nothing themselves, so it comes first.
    parts: tuple[Any, ...] = (torch.backends, mkldnn.matmul, mkldnn.conv, mkldnn.rnn)
    for part in parts:
        precision = part.fp32_precision
        if precision not in ("none", "ieee"):
            changed.append((part, precision))
            part.fp32_precision = "none"
    try:
        yield
    finally:
        for part, precision in reversed(changed):
            part.fp32_precision = precision
        if products != "highest":
            torch.set_float32_matmul_precision(products)


@contextmanager
def _usual_algorithms() -> Iterator[None]:
    """Use oneDNN where there is it, and do not insist on deterministic algorithms, which some layers lack."""
    mkldnn: Any = torch.backends.mkldnn
    enabled = mkldnn.enabled
    if not enabled and mkldnn.is_available():
        mkldnn.enabled = True
    insisted = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    if insisted:
        torch.use_deterministic_algorithms(False)
    try:
        yield
    finally:
        if insisted:
            torch.use_deterministic_algorithms(True, warn_only=warns)
        if mkldnn.enabled != enabled:
            mkldnn.enabled = enabled


def load_optimizers() -> None:
    """Have PyTorch import what its first optimizer needs."""
    torch.optim.SGD([torch.zeros(1)], lr=1.0)
