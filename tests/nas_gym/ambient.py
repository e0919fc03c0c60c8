"""What a program may have set in PyTorch and NumPy for itself."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch


@contextmanager
def _set(change: Callable[[Any], object], value: object, usual: object) -> Iterator[None]:
    change(value)
    try:
        yield
    finally:
        change(usual)


def _fp32_precision(value: str) -> None:
    torch.backends.fp32_precision = value  # type: ignore[attr-defined]


def _use_mkldnn(value: bool) -> None:
    torch.backends.mkldnn.enabled = value  # type: ignore[assignment] # a property of the module


STATES: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "float64": partial(_set, torch.set_default_dtype, torch.float64, torch.float32),
    "device": partial(_set, torch.set_default_device, "meta", None),
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": partial(torch.autocast, "cpu", dtype=torch.bfloat16),
    "deterministic": partial(_set, torch.use_deterministic_algorithms, True, False),
    "products": partial(_set, torch.set_float32_matmul_precision, "medium", "highest"),
    "precision": partial(_set, _fp32_precision, "bf16", "none"),
    "mkldnn": partial(_set, _use_mkldnn, False, True),
    "anomaly": partial(torch.autograd.set_detect_anomaly, True),
    "errors": partial(np.errstate, all="raise"),
    "threads": partial(_set, torch.set_num_threads, 2, 1),
}
"""What may be set, by name."""


def seen() -> tuple[object, ...]:
    """Return all of it, as it is now."""
    return (
        torch.get_default_dtype(),
        torch.get_default_device().type,
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.get_float32_matmul_precision(),
        torch.backends.fp32_precision,  # type: ignore[attr-defined]
        torch.backends.mkldnn.matmul.fp32_precision,  # type: ignore[attr-defined]
        torch.backends.mkldnn.conv.fp32_precision,  # type: ignore[attr-defined]
        torch.backends.mkldnn.enabled,
        torch.is_anomaly_enabled(),
        tuple(np.geterr().items()),
        torch.get_num_threads(),
    )
