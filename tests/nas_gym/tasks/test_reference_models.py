from typing import Any

import pytest
import torch

from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces import CellSpace
from nas_gym.search_spaces.cell.references import GRU_CELL, LSTM_CELL, NASCELL, NASCELL_CELL, ReferenceCell
from nas_gym.tasks.initialisation import initialise
from nas_gym.tasks.language_modelling.reference_models import reference_model
from nas_gym.tasks.language_modelling.size import size_around

CELLS = {"LSTM": LSTM_CELL, "GRU": GRU_CELL, "NASCell": NASCELL_CELL}


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("name", CELLS)
def test_reference__has_the_computed_size_which_is_the_nearest(name: str, layers: int, tied: bool) -> None:
    wanted = 20_000
    reference = reference_model(name, CELLS[name], wanted, 30, layers, tied)
    assert reference.size is not None
    module: Any = reference.build()
    assert reference.size.parameters == sum(parameter.numel() for parameter in module.parameters())
    weights = [p.numel() for n, p in module.named_parameters() if p.ndim == 2 and "embedding" not in n]
    assert reference.size.multiply_adds == sum(weights) + (30 * module.embedding.embedding_dim if tied else 0)
    units = int(reference.name.removeprefix(f"{name}-"))
    assert module.embedding.weight.shape == (30, units)

    def distance(units: int) -> int:
        built = reference_model(
            name, CELLS[name], parameters_at(CELLS[name], units, layers, tied), 30, layers, tied
        )
        assert built.name == f"{name}-{units}" and built.size is not None
        return abs(built.size.parameters - wanted)

    assert distance(units) <= min(distance(units - 1), distance(units + 1))


def parameters_at(cell: ReferenceCell, units: int, layers: int, tied: bool) -> int:
    return layers * cell.parameters(units) + (1 if tied else 2) * 30 * units + 30


def test_nascell__beside_itself_is_the_same_model() -> None:
    size = size_around(2 * NASCELL_CELL.parameters(24), 50, 24)
    reference = reference_model("NASCell", NASCELL_CELL, size.parameters, 50, layers=2)
    assert (reference.name, reference.size) == ("NASCell-24", size)
    assert CellSpace().parse(str(NASCELL)) == NASCELL


@pytest.mark.parametrize("name", CELLS)
def test_reference__can_be_initialised_and_learns(name: str) -> None:
    module = reference_model(name, CELLS[name], 5_000, 10).build()
    initialise(module, torch.Generator().manual_seed(0))
    logits, _ = module(torch.zeros(3, 2, dtype=torch.int64))
    logits.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_reference__that_cannot_be_that_small_is_one_line() -> None:
    with pytest.raises(
        InvalidArgumentError, match=r"LSTM cannot be as small as .* parameters, there may be 20$"
    ):
        reference_model("LSTM", LSTM_CELL, 20, 50)
