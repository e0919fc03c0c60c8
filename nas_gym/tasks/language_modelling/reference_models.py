"""Language models around published cells, as large as the one around a found cell."""

from functools import partial

from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces.cell.description import units_for
from nas_gym.search_spaces.cell.references import ReferenceCell
from nas_gym.search_spaces.references import Reference
from nas_gym.tasks.language_modelling.language_model import LanguageModel
from nas_gym.tasks.language_modelling.size import size_around


def reference_model(
    name: str, cell: ReferenceCell, parameters: int, vocabulary: int, layers: int = 1, tied: bool = False
) -> Reference:
    """Choose the width with which the whole model comes closest to a number of parameters.

    The number is computed, no model is built for it. The width, which the embedding has as well, stands in
    the name: ``LSTM-90``.

    Args:
        name: Name of the cell.
        cell: The cell.
        parameters: How many the model should have.
        vocabulary: As in ``LanguageModel``, and so the next two.
        layers: See there.
        tied: See there.

    Raises:
        InvalidArgumentError: If one unit makes more than that already.
    """

    def parameters_of(units: int) -> int:
        return size_around(layers * cell.parameters(units), vocabulary, units, tied).parameters

    try:
        units = units_for(parameters, parameters_of)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{name} cannot be as small as the found cell: {error}") from None
    return Reference(
        f"{name}-{units}",
        partial(LanguageModel, cell.make_layer, vocabulary, units, layers, tied),
        size_around(layers * cell.parameters(units), vocabulary, units, tied, layers * cell.biases(units)),
    )
