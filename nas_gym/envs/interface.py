"""The types of Gymnasium's interface, which leaves open what an info holds."""

from typing import Any, TypeAlias

import numpy as np
from gymnasium.vector import VectorEnv
from numpy.typing import NDArray

Info: TypeAlias = dict[str, Any]
AnyVectorEnv: TypeAlias = VectorEnv[Any, Any, Any]
Observation: TypeAlias = NDArray[np.int64]
"""The sentence so far, ``(max_length,)``; of many lanes ``(num_envs, max_length)``."""
Step: TypeAlias = tuple[Observation, float, bool, bool, Info]
VectorStep: TypeAlias = tuple[Any, Any, Any, Any, Info]
"""What a step of any vector environment returns."""
