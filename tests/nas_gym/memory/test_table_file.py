import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas_gym.errors import InvalidTableError
from nas_gym.memory.tables.table import Table
from nas_gym.memory.tables.table_file import checksum, read_arrays, read_table, write_arrays, write_table
from nas_gym.search_spaces import MlpSpace, NasBench201Space
from nas_gym.tasks.metric import perplexity
from tests.nas_gym.memory.made_up import made_up_table

WHOLE = made_up_table(
    NasBench201Space(("none", "skip_connect")),
    seeds=3,
    failed=np.eye(64, 3, dtype=np.bool_),
    seconds=np.linspace(0.1, 9.0, 64),
)
PLAIN = made_up_table(
    MlpSpace(max_length=2),
    validation=np.linspace(0, 1, 90, dtype=np.float32)[:, None],
    validation_samples=None,
    test=None,
    test_samples=None,
    parameters=None,
)
LOSSES = made_up_table(
    MlpSpace(max_length=2),
    validation=np.linspace(1, 90, 90)[:, None],
    validation_samples=None,
    test=None,
    test_samples=None,
    metric=perplexity(6, "bracket"),
)
COLUMNS = ("validation", "validation_samples", "test", "test_samples", "failed", "parameters", "seconds")


def changed(path: Path, sign: bool, **arrays: Any) -> Path:  # noqa: ANN401
    """Write a table with other contents; signed, its checksum fits them."""
    write_table(WHOLE, path)
    contents = read_arrays(path)
    old = contents.pop("checksum")
    contents = {name: array for name, array in (contents | arrays).items() if array is not None}
    if sign:
        write_arrays(path, contents)
    else:
        np.savez(path, **contents, checksum=old)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("table", [WHOLE, PLAIN, LOSSES], ids=["whole", "plain", "losses"])
def test_table__is_read_as_it_was_written(table: Table, tmp_path: Path) -> None:
    write_table(table, tmp_path / "folder" / "table.npz")
    read = read_table(tmp_path / "folder" / "table.npz")
    assert (read.search_space.id, read.search_space.arguments) == (
        table.search_space.id,
        table.search_space.arguments,
    )
    assert (read.dataset, read.recipe, read.metric) == (table.dataset, table.recipe, table.metric)
    for name in COLUMNS:
        one, other = getattr(read, name), getattr(table, name)
        assert (one is None) == (other is None)
        assert one is None or np.array_equal(one, other)
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["table.npz"]


def test_table__has_the_same_bytes_whenever_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_table(WHOLE, tmp_path / "now.npz")
    monkeypatch.setattr("time.localtime", lambda *_: (1999, 1, 2, 3, 4, 5, 0, 0, 0))
    monkeypatch.setattr("time.time", lambda: 915_000_000.0)
    write_table(WHOLE, tmp_path / "then.npz")
    assert (tmp_path / "now.npz").read_bytes() == (tmp_path / "then.npz").read_bytes()


def test_table__can_be_read_with_numpy_alone(tmp_path: Path) -> None:
    write_table(WHOLE, tmp_path / "table.npz")
    with np.load(tmp_path / "table.npz", allow_pickle=False) as arrays:
        assert arrays["tokens"].tolist() == ["none", "skip_connect"]
        assert str(arrays["dataset"]) == "made up"
        assert np.array_equal(arrays["validation"], WHOLE.validation)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_truncated_table__is_refused(share: float, tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    write_table(WHOLE, path)
    contents = path.read_bytes()
    path.write_bytes(contents[: int(share * len(contents))])
    with pytest.raises(InvalidTableError, match=r"table\.npz is truncated or no table: .+") as error:
        read_table(path)
    assert "\n" not in str(error.value)


def test_table__with_any_byte_changed_is_refused_or_the_same(tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    write_table(WHOLE, path)
    contents = path.read_bytes()
    refused = 0
    for position in np.random.default_rng(0).integers(len(contents), size=150).tolist():
        path.write_bytes(contents[:position] + bytes([contents[position] ^ 0x55]) + contents[position + 1 :])
        try:
            table = read_table(path)
        except InvalidTableError as error:
            assert "\n" not in str(error)
            refused += 1
        else:  # dates and the like in the archive's directory mean nothing
            assert np.array_equal(table.validation, WHOLE.validation)
            assert np.array_equal(table.test, WHOLE.test)  # type: ignore[arg-type]
    assert refused > 75


@pytest.mark.parametrize(
    ("sign", "arrays", "says"),
    [
        (False, {"validation": np.zeros((64, 3), np.uint8)}, "the checksum in .* it was changed"),
        (False, {"dataset": np.asarray("other")}, "the checksum in .* it was changed"),
        (True, {"validation": None}, "it lacks 'validation'"),
        (True, {"format": None}, "it lacks 'format'"),
        (True, {"format": np.asarray("other")}, "its format is 'other'"),
        (True, {"format": np.asarray("nas-gym-table-2")}, "cannot be used: .* argument: 'name'"),
        (True, {"search_space": np.asarray("mlp-v9")}, "search space 'mlp-v9'; there are mlp-v0"),
        (True, {"search_space": np.asarray("mlp-v0")}, "makes mlp-v0 with the arguments"),
        (True, {"arguments": np.asarray("{")}, "with the arguments {:"),
        (True, {"arguments": np.asarray('{"operations": ["none"]}')}, "has the tokens none skip_connect"),
        (True, {"tokens": np.array(["skip_connect", "none"])}, "has the tokens skip_connect none"),
        (
            True,
            {"validation": np.full((64, 1), np.nan), "validation_samples": None},
            "cannot be used: 64 values of validation are NaN or infinite",
        ),
        (True, {"validation": np.zeros((63, 3), np.uint8)}, "a row for each of 64"),
    ],
)
def test_table__with_other_contents_is_refused(
    sign: bool, arrays: dict[str, Any], says: str, tmp_path: Path
) -> None:
    path = changed(tmp_path / "table.npz", sign, **arrays)
    with pytest.raises(InvalidTableError, match=says) as error:
        read_table(path)
    assert "\n" not in str(error.value)


def test_table__without_a_checksum_is_refused(tmp_path: Path) -> None:
    write_table(WHOLE, tmp_path / "table.npz")
    arrays = read_arrays(tmp_path / "table.npz")
    del arrays["checksum"]
    np.savez(tmp_path / "table.npz", **arrays)  # type: ignore[arg-type]
    with pytest.raises(InvalidTableError, match=r"the checksum in .* is missing"):
        read_table(tmp_path / "table.npz")


def test_missing_table__is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidTableError, match=r"there is no table .*nowhere\.npz"):
        read_table(tmp_path / "nowhere.npz")


EXECUTED: list[str] = []
RUN = "from tests.nas_gym.memory.test_table_file import EXECUTED; EXECUTED.append('run')"


class Trap:
    """A pickle that runs code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (RUN,)


@pytest.mark.parametrize("kind", ["pickle", "objects", "array"])
def test_pickles__are_refused_and_never_executed(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "table.npz"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Trap()))
    elif kind == "objects":
        np.savez(path, validation=np.array([Trap()], dtype=object))
    else:
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    EXECUTED.clear()
    with pytest.raises(InvalidTableError, match="is truncated or no table"):
        read_table(path)
    assert EXECUTED == []
    pickle.loads(pickle.dumps(Trap()))
    assert EXECUTED == ["run"], "the trap itself must work"


def test_checksum__depends_on_names_types_shapes_and_contents() -> None:
    base = {"a": np.arange(6, dtype=np.uint8)}
    others: list[dict[str, np.ndarray[Any, Any]]] = [
        {"b": base["a"]},
        {"a": base["a"].astype(np.int8)},
        {"a": base["a"].reshape(2, 3)},
        {"a": base["a"][::-1]},
    ]
    assert len({checksum(arrays) for arrays in (base, *others)}) == 5
    assert checksum({"a": np.arange(12, dtype=np.uint8)[:6]}) == checksum(base)
