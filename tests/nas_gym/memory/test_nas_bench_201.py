import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas_gym.datasets.folder import data_folder
from nas_gym.errors import InvalidArgumentError, InvalidTableError
from nas_gym.memory.tables.nas_bench_201 import file_name_201, nas_bench_201_table
from nas_gym.memory.tables.nas_bench_moons import moons_table
from nas_gym.memory.tables.table_file import write_table
from nas_gym.search_spaces import MlpSpace, NasBench201Space
from nas_gym.search_spaces.nas_bench_201.grammar import OPERATIONS
from tests.nas_gym.memory.made_up import made_up_table

CELLS = made_up_table(NasBench201Space())
EDGES = ("1<-0", "2<-0", "2<-1", "3<-0", "3<-1", "3<-2")


def plain(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a table in the layout of plain means, as arrays."""
    accuracies = np.random.default_rng(0).random((2, 15_625), dtype=np.float32)
    arrays = {
        "operations": np.array(OPERATIONS),
        "edges": np.array(EDGES),
        "architectures": np.stack(np.unravel_index(np.arange(15_625), (5,) * 6), 1).astype(np.uint8),
        "validation_accuracy": accuracies[0],
        "test_accuracy": accuracies[1],
    } | changes
    return {name: array for name, array in arrays.items() if array is not None}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NAS_GYM_DATA", str(tmp_path))
    return tmp_path


def test_data_folder__is_the_chosen_one_or_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAS_GYM_DATA", "/somewhere")
    assert data_folder() == Path("/somewhere")
    monkeypatch.setenv("NAS_GYM_DATA", "")
    assert data_folder().name == "nas_gym"
    monkeypatch.delenv("NAS_GYM_DATA")
    assert data_folder().name == "nas_gym"
    assert data_folder().is_absolute()


@pytest.mark.parametrize(("dataset", "epochs"), [("cifar10", 200), ("ImageNet16-120", 12)])
def test_table_of_cells__is_found_in_the_data_folder(dataset: str, epochs: int, folder: Path) -> None:
    write_table(CELLS, folder / file_name_201(dataset, epochs))
    found = nas_bench_201_table(dataset, epochs=epochs)
    assert np.array_equal(found.validation, CELLS.validation)


def test_plain_means__are_read_too(folder: Path) -> None:
    arrays = plain()
    np.savez(folder / "nas-bench-201-cifar100.npz", **arrays)
    table = nas_bench_201_table("cifar100")
    assert (table.dataset, table.seeds) == ("cifar100", 1)
    row = 1 * 5**5 + 3 * 5**2 + 4
    cell = table.search_space.parse("skip_connect none none nor_conv_3x3 none avg_pool_3x3")
    assert table.validation_score(cell) == arrays["validation_accuracy"][row]
    assert table.test_score(cell) == arrays["test_accuracy"][row]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"test_accuracy": None}, "it lacks 'test_accuracy'"),
        ({"operations": np.array(OPERATIONS[::-1])}, "in the order of enumerate"),
        ({"edges": np.array(EDGES[::-1])}, "in the order of enumerate"),
        ({"architectures": np.zeros((15_625, 6), np.uint8)}, "in the order of enumerate"),
        ({"validation_accuracy": np.full(15_625, np.nan)}, "cannot be used: 15625 values of validation"),
    ],
)
def test_plain_means__that_are_others_are_refused(changes: dict[str, Any], says: str, folder: Path) -> None:
    np.savez(folder / "nas-bench-201-cifar10.npz", **plain(**changes))
    with pytest.raises(InvalidTableError, match=says) as error:
        nas_bench_201_table()
    assert "\n" not in str(error.value)


def test_missing_table__is_named_with_what_to_do(folder: Path) -> None:
    with pytest.raises(InvalidTableError) as error:
        nas_bench_201_table("cifar100")
    for part in (str(folder / "nas-bench-201-cifar100.npz"), "NAS_GYM_DATA", "import_nas_bench_201.py"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"dataset": "cifar"}, "dataset must be one of cifar10, cifar100, ImageNet16-120, got 'cifar'"),
        ({"epochs": 13}, "epochs must be one of 200, 12, got 13"),
        ({"epochs": "12"}, "epochs must be an integer from 1, got '12'"),
        ({"table": 3}, "table must be a path or a Table, got 3"),
    ],
)
def test_arguments__are_checked(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError, match=says):
        nas_bench_201_table(**arguments)


def test_table__of_another_search_space_is_refused(tmp_path: Path) -> None:
    layers = made_up_table(MlpSpace(max_length=2))
    write_table(CELLS, tmp_path / "cells.npz")
    assert nas_bench_201_table(table=tmp_path / "cells.npz").seeds == CELLS.seeds
    with pytest.raises(InvalidTableError, match=r"a table of the search space .* is needed, one of"):
        nas_bench_201_table(table=layers)
    with pytest.raises(InvalidTableError, match=r"a table of the search space .* is needed, one of"):
        moons_table(str(tmp_path / "cells.npz"))


REAL = Path(os.environ.get("NAS_GYM_DATA", "missing")) / "nas-bench-201-cifar10.npz"


@pytest.mark.skipif(not REAL.exists(), reason="NAS_GYM_DATA holds no table of NAS-Bench-201")
def test_real_table__has_the_published_optimum() -> None:
    table = nas_bench_201_table(table=REAL)
    (best,) = table.best_architectures
    assert table.optimum == pytest.approx(0.91607, abs=1e-5)
    assert table.best_test_score == table.test_score(best) == pytest.approx(0.94373, abs=1e-5)
    resnet = "nor_conv_3x3 none nor_conv_3x3 skip_connect none skip_connect"
    assert table.validation_score(table.search_space.parse(resnet)) == pytest.approx(0.9086, abs=1e-4)
