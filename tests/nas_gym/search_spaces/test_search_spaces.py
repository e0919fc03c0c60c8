import json
import subprocess
import sys

import pytest
from torch import nn

from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces import (
    SEARCH_SPACES,
    Architecture,
    CellSpace,
    ChainSpace,
    GraphSpace,
    MlpSpace,
    NasBench201Space,
    PyramidSpace,
    SearchSpace,
)
from nas_gym.testing import check_search_space

SAMPLES: tuple[tuple[int, ...], ...] = ((8,), (3, 8, 8))
"""Shapes of samples; each search space that builds networks reads one of them."""


def readable(space: SearchSpace) -> tuple[int, ...]:
    """Return the first shape that the networks of a space can read."""
    for inputs in SAMPLES:
        try:
            space.check_inputs(inputs)
            return inputs
        except InvalidArgumentError as error:
            assert "\n" not in str(error)
    raise AssertionError(f"{space.id} reads none of {SAMPLES}: add a shape")


@pytest.mark.parametrize("space_id", SEARCH_SPACES)
def test_search_space__keeps_the_contract(space_id: str) -> None:
    space = SEARCH_SPACES[space_id]()
    check_search_space(space, samples=50, inputs=readable(space))


UNUSUAL: list[SearchSpace] = [
    MlpSpace(widths=(3,), activations=("Tanh",), max_length=2),
    ChainSpace(kernels=(3,), dropouts=(0.1,), max_layers=3),
    GraphSpace(kernel_heights=(3, 1), strides=(1, 2), pools=(2,), max_layers=3),
    PyramidSpace(kernels=(5, 3), filters=(8, 4), min_layers=2, max_layers=3, max_reductions=1),
    CellSpace(base=4, combinations=("left", "add", "gate"), bias=True),
    NasBench201Space(operations=("none", "skip_connect")),
]


@pytest.mark.parametrize("space", UNUSUAL, ids=lambda space: space.id)
def test_search_space__is_made_again_of_its_arguments_as_json(space: SearchSpace) -> None:
    same = type(space)(**json.loads(json.dumps(space.arguments)))
    assert (same.tokens, same.max_length, same.count()) == (space.tokens, space.max_length, space.count())
    assert same.arguments == space.arguments != type(space)().arguments
    assert {each.id for each in UNUSUAL} == set(SEARCH_SPACES)


class Wasteful(MlpSpace):
    """Builds one output more than it counts."""

    def build(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> nn.Module:
        return super().build(architecture, inputs, outputs + 1)


class Drawing(MlpSpace):
    """Lets PyTorch draw parameters."""

    def build(self, architecture: Architecture, inputs: tuple[int, ...], outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(inputs[0], outputs))


@pytest.mark.parametrize(("kind", "says"), [(Wasteful, "size says"), (Drawing, "generator alone")])
def test_contract__sees_networks_of_another_size_or_with_drawn_parameters(
    kind: type[MlpSpace], says: str
) -> None:
    check_search_space(kind(), samples=5)
    with pytest.raises(AssertionError, match=says):
        check_search_space(kind(), samples=5, inputs=(4,))


@pytest.mark.parametrize("space_id", SEARCH_SPACES)
def test_search_space__is_registered_under_its_versioned_id(space_id: str) -> None:
    assert SEARCH_SPACES[space_id].id == space_id
    name, _, version = space_id.rpartition("-v")
    assert name
    assert version.isdecimal()


def test_search_spaces__of_a_table_say_that_there_is_no_network_to_build() -> None:
    space = SEARCH_SPACES["nas-bench-201-v0"]()
    with pytest.raises(InvalidArgumentError, match="are looked up in a table") as error:
        space.build(next(space.enumerate()), (3, 32, 32), 10)
    assert "\n" not in str(error.value)


def test_search_spaces__are_imported_without_what_trains() -> None:
    code = "import sys, nas_gym.search_spaces; sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
