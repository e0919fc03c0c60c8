"""Truncated back-propagation: a stream of tokens as columns, read window by window."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nas_gym.checks import integer
from nas_gym.errors import InvalidArgumentError

Columns = NDArray[np.int32]


def batchify(tokens: NDArray[np.int32], batch_size: int) -> Columns:
    """Cut a stream into columns that a model reads side by side, as is usual for language models.

    Args:
        tokens: int32, shape ``(tokens,)``.
        batch_size: Number of columns. The ``len(tokens) % batch_size`` last tokens are in none of them, and
            each column begins without what stood before it: judge with 1 to lose nothing.

    Returns:
        int32, shape ``(len(tokens) // batch_size, batch_size)``: column ``i`` goes on where column
        ``i - 1`` ends.

    Raises:
        InvalidArgumentError: If ``batch_size`` is not positive, or a column has nothing to predict.
    """
    batch_size = integer("batch_size", batch_size, 1)
    steps = len(tokens) // batch_size
    if steps < 2:
        raise InvalidArgumentError(
            f"batch_size must be at most {len(tokens) // 2} for {len(tokens)} tokens, so that each column "
            f"has one to read and one to predict, got {batch_size}"
        )
    return np.ascontiguousarray(tokens[: steps * batch_size].reshape(batch_size, steps).T)


def windows(columns: Columns, steps: int) -> Iterator[tuple[Columns, Columns]]:
    """Yield what a model reads and what it is to predict, in order.

    The state after a window is the state before the next one, without its gradient. Every token but the
    first of each column is a target exactly once.

    Args:
        columns: From ``batchify``, int32, shape ``(all_steps, batch_size)``.
        steps: Steps that gradients flow back at most; the last window may be shorter.

    Yields:
        Inputs and targets, the tokens that follow them, each int32, shape ``(steps, batch_size)``; views.

    Raises:
        InvalidArgumentError: If ``steps`` is not positive.
    """
    steps = integer("steps", steps, 1)
    last = len(columns) - 1
    for start in range(0, last, steps):
        end = min(start + steps, last)
        yield columns[start:end], columns[start + 1 : end + 1]
