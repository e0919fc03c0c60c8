"""What a language model costs, computed from what its recurrent layers cost."""

from nas_gym.search_spaces.base import NetworkSize


def size_around(
    recurrent: int,
    vocabulary: int,
    units: int,
    tied: bool = False,
    biases: int = 0,
    classes: int | None = None,
) -> NetworkSize:
    """Count parameters, and multiplications with a weight for one token.

    Args:
        recurrent: Parameters of all recurrent layers.
        vocabulary: Number of different tokens.
        units: Number of values of the embedding and of each layer.
        tied: Whether the output weights are those of the embedding.
        biases: How many of the recurrent parameters are biases.
        classes: Number of classes that are predicted, by default one for each token.
    """
    embedding, classes = vocabulary * units, classes or vocabulary
    output = classes * units
    return NetworkSize(recurrent + embedding + (0 if tied else output) + classes, recurrent - biases + output)
