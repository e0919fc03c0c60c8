"""What a language model around a cell costs, computed without building it."""

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.cell.description import describe


def language_model_size(
    architecture: Architecture, vocabulary: int, units: int, layers: int = 1, tied: bool = False
) -> NetworkSize:
    """Count parameters, and multiplications with a weight for one token; arguments as ``build`` has them."""
    return size_around(
        layers * describe(architecture.tokens).parameters(units, units), vocabulary, units, tied
    )


def size_around(
    recurrent: int, vocabulary: int, units: int, tied: bool = False, biases: int = 0
) -> NetworkSize:
    """Count around recurrent layers with so many parameters, of which ``biases`` are biases."""
    words = vocabulary * units
    return NetworkSize(recurrent + (1 if tied else 2) * words + vocabulary, recurrent - biases + words)
