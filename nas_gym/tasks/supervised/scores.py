"""How scores of networks on samples are computed."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Outputs = NDArray[np.float32]
"""What a network says of samples, ``(samples, outputs)``."""
Labels = NDArray[np.int64] | NDArray[np.float32]
"""The answers, ``(samples,)``."""
Score = Callable[[Outputs, Labels], float]
