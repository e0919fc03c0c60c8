import bz2
import pickle
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas_gym.errors import InvalidTableError
from nas_gym.memory.tables.nats_bench import import_nats_bench, read_pickle
from nas_gym.search_spaces import Architecture, NasBench201Space
from nas_gym.search_spaces.nas_bench_201.grammar import to_official

SPACE = NasBench201Space(("skip_connect", "nor_conv_3x3"))
"""64 cells."""
CELLS = [SPACE.unrank(rank) for rank in range(64)]
EVERY_CELL = tuple(enumerate(CELLS))
PARTS = {
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("x-valid", "x-test", "ori-test"),
    "ImageNet16-120": ("x-valid", "x-test", "ori-test"),
}
SEEDS = {"12": {"cifar10-valid": (111, 777)}, "200": {"cifar10-valid": (777, 888)}}
FIRST_SEED = {"12": 111, "200": 777}


def accuracy(rank: int, epochs: str, dataset: str, part: str, seed: int) -> float:
    """Return a made-up accuracy in percent, another one for each training and part."""
    return (rank * 7 + len(dataset) * 3 + len(part) + int(epochs) + seed) % 101 * 0.99


def training(rank: int, epochs: str, dataset: str, seed: int) -> dict[str, Any]:
    """Return one training as the official files hold it."""
    last = int(epochs) - 1
    return {
        "name": "infer.tiny",
        "train_acc1es": {last: 99.0},
        "train_times": {0: np.float64(2.0 + rank)} | dict.fromkeys(range(1, int(epochs)), 2.0 + rank),
        "seed": seed,
        "epochs": int(epochs),
        "latency": [0.01, np.float32(0.02)],
        "eval_names": list(PARTS[dataset]),
        "eval_acc1es": {
            f"{part}@{last}": accuracy(rank, epochs, dataset, part, seed) for part in PARTS[dataset]
        },
        "eval_times": {f"{part}@{last}": 0.5 for part in PARTS[dataset]},
        "net_state_dict": None,
    }


def results(rank: int, cell: Architecture, lengths: Iterable[str] = ("12", "200")) -> dict[str, Any]:
    """Return what the official files hold of a cell; every other one has one training more."""
    whole: dict[str, Any] = OrderedDict()
    for epochs in lengths:
        trainings: dict[tuple[str, int], Any] = {}
        for dataset in PARTS:
            seeds = SEEDS[epochs].get(dataset, (FIRST_SEED[epochs],))
            if epochs == "200" and rank % 2:
                seeds = (*seeds, 999)
            trainings |= {(dataset, seed): training(rank, epochs, dataset, seed) for seed in seeds}
        whole[epochs] = {
            "arch_index": rank,
            "arch_str": to_official(cell),
            "all_results": OrderedDict(trainings),
            "dataset_seed": {
                dataset: [seed for name, seed in trainings if name == dataset] for dataset in PARTS
            },
            "clear_net_done": True,
        }
    return whole


def write(path: Path, value: object) -> Path:
    """Write a pickle as NumPy of the official files' time did: its numbers had another address then."""
    data = pickle.dumps(value, protocol=3)
    data = data.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    path.write_bytes(bz2.compress(data, 1))
    return path


def folder(path: Path, cells: Iterable[tuple[int, Architecture]] = EVERY_CELL, **how: Any) -> Path:  # noqa: ANN401
    path.mkdir()
    every = dict(cells)
    meta = {"meta_archs": [to_official(cell) for cell in every.values()], "total_archs": len(every)}
    write(path / "meta.pickle.pbz2", meta | {"arch2infos": None, "evaluated_indexes": None})
    # The official order is another one than that of ranks.
    for index, (rank, cell) in enumerate(sorted(every.items(), key=lambda item: item[0] * 37 % 64)):
        write(path / f"{index:06}.pickle.pbz2", results(rank, cell, **how))
    return path


def single_file(path: Path) -> Path:
    infos = {rank: results(rank, cell) for rank, cell in EVERY_CELL}
    whole: dict[str, Any] = {
        "meta_archs": [],
        "arch2infos": infos,
        "evaluated_indexes": None,
        "total_archs": 64,
    }
    return write(path, whole)


@pytest.fixture(scope="module", params=["folder", "file"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nats")
    return folder(path / "simple") if request.param == "folder" else single_file(path / "all.pickle.pbz2")


def test_official_files__become_tables(source: Path) -> None:
    seen: list[tuple[int, int]] = []
    tables = import_nats_bench(source, SPACE, on_progress=lambda *progress: seen.append(progress))
    datasets = ("cifar10", "cifar100", "ImageNet16-120")
    assert set(tables) == {(dataset, epochs) for dataset in datasets for epochs in (12, 200)}
    assert seen == [(number, 64) for number in range(1, 65)]
    for rank in (0, 1, 30, 63):
        for (dataset, epochs), table in tables.items():
            judged = "cifar10-valid" if dataset == "cifar10" else dataset
            tested = "ori-test" if dataset == "cifar10" else "x-test"
            seeds = SEEDS[str(epochs)].get(judged, (FIRST_SEED[str(epochs)],))
            final = [777]
            if rank % 2:
                final.append(999)
                seeds = (*seeds, 999) if epochs == 200 else seeds
            expected = [accuracy(rank, str(epochs), judged, "x-valid", seed) / 100 for seed in seeds]
            if epochs == 200:  # some cells were trained once more than others
                expected = [float(np.mean(expected))]
            assert table.validation_scores(CELLS[rank]) == pytest.approx(expected)
            test = np.mean([accuracy(rank, "200", dataset, tested, seed) / 100 for seed in final])
            assert table.test_score(CELLS[rank]) == pytest.approx(test)
            assert table.seconds is not None
            assert table.seconds[rank] == epochs * (2.0 + rank) + 0.5
            assert table.dataset == dataset
            assert table.recipe == f"nas-bench-201(epochs={epochs}, test after 200)"
    assert tables["cifar10", 12].seeds == 2
    assert tables["cifar10", 200].seeds == 1


def test_files_of_one_length__become_its_tables_alone(tmp_path: Path) -> None:
    tables = import_nats_bench(folder(tmp_path / "simple", lengths=("12",)), SPACE)
    assert {epochs for _, epochs in tables} == {12}
    assert all(table.test is None for table in tables.values())


def test_cells_of_other_operations__are_passed_over(source: Path) -> None:
    tables = import_nats_bench(source, NasBench201Space(("skip_connect",)))
    assert all(len(table.validation) == 1 for table in tables.values())


def test_missing_cells__are_counted(tmp_path: Path) -> None:
    path = folder(tmp_path / "simple", cells=EVERY_CELL[3:])
    with pytest.raises(InvalidTableError, match="lacks 3 of 64 architectures on cifar10") as error:
        import_nats_bench(path, SPACE)
    assert str(CELLS[0]) in str(error.value)


EXECUTED: list[str] = []
RUN = "from tests.nas_gym.memory.test_nats_bench import EXECUTED; EXECUTED.append('run')"


class Trap:
    """A pickle that calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:  # noqa: ANN401
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize(
    ("trap", "name"),
    [
        (Trap(exec, RUN), "exec"),
        (Trap(print, RUN), "print"),
        (Trap(np.load, "file", None, True), "numpy.load"),
        (Path("x"), "pathlib"),
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickle_that_names_anything_else__is_refused_and_nothing_runs(
    trap: object, name: str, protocol: int, tmp_path: Path
) -> None:
    path = tmp_path / "000000.pickle.pbz2"
    first = {"12": {"arch_str": to_official(CELLS[0]), "arch_config": trap}}
    path.write_bytes(bz2.compress(pickle.dumps(first, protocol=protocol)))
    EXECUTED.clear()
    with pytest.raises(InvalidTableError, match=f"is refused: it names .*{name}.*, admitted are") as error:
        import_nats_bench(tmp_path, SPACE)
    assert "\n" not in str(error.value)
    assert EXECUTED == []


def test_trap__would_have_gone_off() -> None:
    EXECUTED.clear()
    pickle.loads(pickle.dumps(Trap(exec, RUN)))
    assert EXECUTED == ["run"]


@pytest.mark.parametrize("dtype", ["O", "V8", "S4"])
def test_numbers__that_are_none_are_refused(dtype: str, tmp_path: Path) -> None:
    class Odd:
        def __reduce__(self) -> tuple[Any, ...]:
            return np.float64(0).__reduce__()[0], (np.dtype(dtype), b"abcdefgh")

    with pytest.raises(InvalidTableError, match=r"a number of the type .* is not admitted"):
        read_pickle(write(tmp_path / "odd.pickle.pbz2", Odd()))


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (b"", "is refused"),
        (b"no archive", "is refused"),
        (bz2.compress(b"no pickle"), "is refused"),
        (bz2.compress(pickle.dumps({"12": 1}, 2))[:25], "is refused"),
        (bz2.compress(pickle.dumps({"meta_archs": []}, 2)), "it lacks 'arch2infos'"),
        (bz2.compress(pickle.dumps([1, 2], 2)), "it lacks 'arch2infos'"),
        (bz2.compress(pickle.dumps({"arch2infos": {0: {"12": {}}}}, 2)), "KeyError 'arch_str'"),
        (bz2.compress(pickle.dumps({"arch2infos": {0: {}}}, 2)), "StopIteration"),
        (bz2.compress(pickle.dumps({"arch2infos": {}}, 2)), "holds no results"),
    ],
)
def test_damaged_file__is_refused_in_one_line(contents: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "all.pickle.pbz2"
    path.write_bytes(contents)
    with pytest.raises(InvalidTableError, match=says) as error:
        import_nats_bench(path, SPACE)
    assert "\n" not in str(error.value)


def test_missing_source__is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidTableError, match="there is no file or folder"):
        import_nats_bench(tmp_path / "nowhere")
    with pytest.raises(InvalidTableError, match=r"holds no files 000000\.pickle\.pbz2"):
        import_nats_bench(tmp_path)
