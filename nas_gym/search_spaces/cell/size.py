"""What a language model around a cell costs, computed without building it."""

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.cell.description import describe


def language_model_size(
    architecture: Architecture, vocabulary: int, units: int, layers: int = 1, tied: bool = False
) -> NetworkSize:
    """Count parameters, and multiplications with a weight for one token; arguments as ``build`` has them."""
    recurrent = layers * describe(architecture.tokens).parameters(units, units)
    words = vocabulary * units
    return NetworkSize(recurrent + (1 if tied else 2) * words + vocabulary, recurrent + words)
