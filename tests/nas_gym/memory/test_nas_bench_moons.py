from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

import nas_gym
from nas_gym.memory.tables.nas_bench_moons import moons_table
from nas_gym.memory.tables.table_file import write_table
from nas_gym.search_spaces import MlpSpace

SHIPPED = files("nas_gym") / "memory" / "tables" / "nas-bench-moons-v0.npz"

pytestmark = pytest.mark.skipif(not SHIPPED.is_file(), reason="this installation lacks the table")


def test_shipped_table__is_the_whole_space_and_small() -> None:
    table = moons_table()
    assert len(table.validation) == 597_870 == MlpSpace().count()
    assert (table.seeds, table.metric.name) == (3, "accuracy")
    assert isinstance(SHIPPED, Path) and SHIPPED.stat().st_size <= 5_000_000


def test_shipped_table__is_written_again_with_the_same_bytes(tmp_path: Path) -> None:
    write_table(moons_table(), tmp_path / "again.npz")
    # What stands around the arrays depends on the version of Python: 3.11.2 writes other headers than 3.11.7.
    with ZipFile(tmp_path / "again.npz") as again, SHIPPED.open("rb") as file, ZipFile(file) as shipped:
        assert again.namelist() == shipped.namelist()
        assert all(again.read(name) == shipped.read(name) for name in shipped.namelist())


@pytest.mark.slow  # trains 600 children
@pytest.mark.timeout(60)
def test_shipped_table__agrees_with_the_live_environment() -> None:
    table = moons_table()
    rows = np.random.default_rng(5).choice(597_870, size=200, replace=False).tolist()
    networks = [table.search_space.unrank(row) for row in rows]
    for seed in range(3):
        with nas_gym.problem("NAS-Moons-v0", training_seed=seed).make_evaluator() as evaluator:
            live = evaluator.evaluate(networks)
        assert table.parameters is not None
        for row, network, evaluation in zip(rows, networks, live, strict=True):
            assert (evaluation.task, evaluation.recipe) == (table.dataset, table.recipe)
            assert table.validation_scores(network)[seed] == evaluation.score
            assert table.parameters[row] == evaluation.parameters
