import numpy as np
import pandas as pd
import pytest

from nas_gym.datasets.tables.columns import read_cells
from nas_gym.datasets.tables.encoding import NUMERIC, Encoding, Numeric
from nas_gym.errors import InvalidDataError


def test_encoding__gaps_get_the_median_and_a_feature_and_names_are_one_hot() -> None:
    cells = read_cells(pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": ["x", None, "y"]}))
    features = Encoding.fitted(cells).encode(cells)
    root = np.sqrt(1.5)
    np.testing.assert_allclose(
        features, [[-root, 0, 0, 1, 0], [0, 1, 1, 0, 0], [root, 0, 0, 0, 1]], rtol=1e-6
    )


def test_encoding__unknown_name_is_none_of_the_known() -> None:
    known = read_cells([["x"], ["y"]])
    assert Encoding.fitted(known).encode(read_cells([["z"]], known.columns)).tolist() == [[0.0, 0.0]]


def test_bins__tell_how_much_of_each_lies_below() -> None:
    cells = read_cells(np.arange(9.0)[:, None])
    features = Encoding.fitted(cells, "bins_8").encode(read_cells([[2.5]]))
    np.testing.assert_allclose(features[0, 1:], [1, 1, 0.5, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("numeric", NUMERIC)
def test_encoding__is_finite_whatever_comes(numeric: Numeric) -> None:
    draw = np.random.default_rng(0)
    table = np.column_stack([draw.normal(size=50) * 1e200, np.ones(50), draw.normal(size=50) * 1e-200])
    cells = read_cells(table)
    encoding = Encoding.fitted(cells, numeric)
    features = encoding.encode(read_cells(np.vstack([table, [[1e300, -1e300, np.nan]]])))
    assert features.shape == (51, encoding.width)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.array([[1j]]), "Complex"),
        (pd.DataFrame({"when": pd.to_datetime(["2026-01-01"])}), "'when' holds dates"),
        (pd.DataFrame({"a": [np.inf]}), "'a' holds infinity"),
        (np.array([[10**400]], dtype=object), "'0' holds infinity"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns that are called 'a'"),
    ],
)
def test_read_cells__names_column_and_reason(table: object, message: str) -> None:
    with pytest.raises(InvalidDataError, match=message):
        read_cells(table)


def test_read_cells__known_columns_are_found_by_name() -> None:
    known = read_cells(pd.DataFrame({"a": [1.0], "b": [2.0]})).columns
    assert read_cells(pd.DataFrame({"b": [2.0], "a": [1.0]}), known).numbers.tolist() == [[1.0, 2.0]]
    with pytest.raises(InvalidDataError, match="lacks the column 'b'"):
        read_cells(pd.DataFrame({"a": [1.0]}), known)
    with pytest.raises(InvalidDataError, match="'b' held numbers"):
        read_cells(pd.DataFrame({"a": [1.0], "b": ["x"]}), known)
