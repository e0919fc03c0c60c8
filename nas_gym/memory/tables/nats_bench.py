"""The official files of NAS-Bench-201, in the form of NATS-Bench, turned into tables.

Paper: Dong, Liu, Musial & Gabrys 2021, NATS-Bench, https://arxiv.org/abs/2009.00437. The files are pickles;
here they are read by an unpickler that knows three names and executes nothing.
"""

import bz2
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nas_gym.errors import InvalidTableError
from nas_gym.memory.tables.nas_bench_201 import DATASETS_201, EPOCHS_201, recipe_201
from nas_gym.memory.tables.table import Table
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.nas_bench_201.grammar import NasBench201Space, from_official
from nas_gym.search_spaces.ranked import RankedSpace

# Names in the files: data set and part for validation, data set and part for test. Networks whose
# validation accuracy on CIFAR-10 is known were trained on half of its training images.
PARTS = {
    "cifar10": (("cifar10-valid", "x-valid"), ("cifar10", "ori-test")),
    "cifar100": (("cifar100", "x-valid"), ("cifar100", "x-test")),
    "ImageNet16-120": (("ImageNet16-120", "x-valid"), ("ImageNet16-120", "x-test")),
}


def _scalar(dtype: np.dtype[np.generic], data: bytes) -> np.generic:
    if dtype.kind not in "biuf":
        raise pickle.UnpicklingError(f"a number of the type {dtype} is not admitted")
    scalar: np.generic = np.frombuffer(data, dtype, 1)[0]
    return scalar


Results = Mapping[str, Any]
"""What the published files hold of one architecture or training."""

ADMITTED: dict[tuple[str, str], Callable[..., object]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "scalar"): _scalar,
}


class NarrowUnpickler(pickle.Unpickler):
    """Reads pickles that name nothing but what stands in ``ADMITTED``."""

    def find_class(self, module: str, name: str) -> Callable[..., object]:
        """Return what a name stands for.

        Raises:
            UnpicklingError: If it is not admitted; the reading ends before anything is called.
        """
        try:
            return ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, admitted are {', '.join('.'.join(known) for known in ADMITTED)}"
            ) from None


def import_nats_bench(
    source: Path,
    search_space: RankedSpace | None = None,
    on_progress: Callable[[int, int], object] = lambda done, total: None,
) -> dict[tuple[str, int], Table]:
    """Read the official files and return a table for each data set and length of training they hold.

    Validation accuracies are those at the end of 12 or of 200 epochs: one column a training where all
    architectures were trained equally often, else the mean. Test accuracies are means after 200 epochs in
    both tables, since that is what published comparisons report. Seconds are the mean time of a training
    and of one validation after it, what NATS-Bench charges a search for it.

    Args:
        source: The folder ``NATS-tss-v1_0-3ffb9-simple`` or the file ``NATS-tss-v1_0-3ffb9.pickle.pbz2``.
        search_space: The cells to import; by default all of NAS-Bench-201.
        on_progress: Called with the number of architectures read and their total.

    Returns:
        Tables by data set and number of epochs.

    Raises:
        InvalidTableError: If a file is missing, damaged or names what is not admitted, or if
            architectures of the search space are missing.
    """
    space = NasBench201Space() if search_space is None else search_space
    known = set(space.tokens)
    columns = {(dataset, epochs): _Columns() for dataset in DATASETS_201 for epochs in EPOCHS_201}
    for done, total, file, results in _architectures(source):
        try:
            architecture = _architecture_of(results)
            if known.issuperset(architecture.tokens):
                rank = space.rank(architecture)
                for (dataset, epochs), column in columns.items():
                    column.add(rank, results, dataset, epochs)
        except (KeyError, TypeError, AttributeError, ValueError, StopIteration) as error:
            cause = " ".join(str(error).split())[:80]
            raise InvalidTableError(
                f"{file} is no result of NATS-Bench: {type(error).__name__} {cause}"
            ) from None
        on_progress(done, total)
    tables = {
        (dataset, epochs): column.table(space, dataset, epochs, source)
        for (dataset, epochs), column in columns.items()
        if column.validation
    }
    if not tables:
        raise InvalidTableError(f"{source} holds no results of 12 or 200 epochs of {space.id}")
    return tables


@dataclass
class _Columns:
    """What is known of each architecture on one data set, by rank."""

    validation: dict[int, list[float]] = field(default_factory=dict)
    tested: dict[int, float] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)

    def add(self, rank: int, results: Results, dataset: str, epochs: int) -> None:
        """Take over one architecture, as far as its file knows the data set and the number of epochs."""
        judged, tested = PARTS[dataset]
        trials = _trials(results, str(epochs), judged[0])
        last = f"{judged[1]}@{epochs - 1}"
        if trials:
            self.validation[rank] = [float(trial["eval_acc1es"][last]) / 100 for trial in trials]
            times = [
                sum(map(float, trial["train_times"].values())) + float(trial["eval_times"][last])
                for trial in trials
                if trial["train_times"] and last in trial["eval_times"]
            ]
            if times:
                self.seconds[rank] = float(np.mean(times))
        finals = _trials(results, "200", tested[0])
        if finals:
            self.tested[rank] = float(np.mean([t["eval_acc1es"][f"{tested[1]}@199"] for t in finals])) / 100

    def table(self, space: RankedSpace, dataset: str, epochs: int, source: Path) -> Table:
        """Return the table of all rows."""
        rows = range(space.count())
        missing = [rank for rank in rows if rank not in self.validation]
        if missing:
            raise InvalidTableError(
                f"{source} lacks {len(missing)} of {len(rows)} architectures on {dataset} after {epochs} "
                f"epochs, for example {space.unrank(missing[0])}"
            )
        trials = [self.validation[rank] for rank in rows]
        if len(set(map(len, trials))) > 1:
            trials = [[float(np.mean(accuracies))] for accuracies in trials]
        test = [[self.tested[rank]] for rank in rows] if len(self.tested) == len(rows) else None
        seconds = [self.seconds[rank] for rank in rows] if len(self.seconds) == len(rows) else None
        try:
            return Table(
                space,
                dataset,
                recipe_201(epochs),
                validation=np.array(trials, dtype=np.float32),
                test=None if test is None else np.array(test, dtype=np.float32),
                seconds=None if seconds is None else np.array(seconds, dtype=np.float32),
            )
        except InvalidTableError as error:
            raise InvalidTableError(f"{source}: {dataset} after {epochs} epochs: {error}") from None


def _architectures(source: Path) -> Iterator[tuple[int, int, Path, Results]]:
    """Yield number, total, file and results of every architecture."""
    if source.is_dir():
        files = sorted(source.glob("[0-9]*.pickle.pbz2"))
        if not files:
            raise InvalidTableError(f"{source} holds no files 000000.pickle.pbz2, 000001.pickle.pbz2, ...")
        for number, file in enumerate(files, 1):
            yield number, len(files), file, read_pickle(file)
        return
    whole = read_pickle(source)
    try:
        results = list(whole["arch2infos"].values())
    except (KeyError, TypeError, AttributeError):
        raise InvalidTableError(f"{source} is no file of NATS-Bench: it lacks 'arch2infos'") from None
    for number, result in enumerate(results, 1):
        yield number, len(results), source, result


def read_pickle(path: Path) -> Any:  # noqa: ANN401, whatever the file holds
    """Read a compressed pickle with ``NarrowUnpickler``.

    Raises:
        InvalidTableError: If it is missing, damaged or names what is not admitted.
    """
    try:
        with bz2.open(path) as file:
            return NarrowUnpickler(file).load()
    except FileNotFoundError:
        raise InvalidTableError(f"there is no file or folder {path}") from None
    except Exception as error:  # a damaged pickle can raise anything
        cause = " ".join(str(error).split()) or type(error).__name__
        raise InvalidTableError(f"{path} is refused: {cause}") from None


def _architecture_of(results: Results) -> Architecture:
    return from_official(next(iter(results.values()))["arch_str"])


def _trials(results: Results, epochs: str, dataset: str) -> list[Results]:
    """Return the trainings of one length on one data set, in the order of their seeds."""
    trials = results[epochs]["all_results"] if epochs in results else {}
    return [trials[key] for key in sorted(trials) if key[0] == dataset]
