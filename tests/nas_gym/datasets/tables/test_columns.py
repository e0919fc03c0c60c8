import numpy as np
import pandas as pd
import pytest

from nas_gym.datasets.tables.columns import read_cells
from nas_gym.errors import InvalidDataError


@pytest.mark.parametrize("day", ["2026-01-31", "31.01.2026", "1/31/26", "2026-01-31 12:30:00"])
def test_strings_that_are_dates__are_refused_by_name(day: str) -> None:
    with pytest.raises(InvalidDataError, match="'day' holds dates, such as"):
        read_cells(pd.DataFrame({"day": [day, None]}))


@pytest.mark.parametrize("name", ["1.2", "10-20", "3/4", "a 2026-01-31"])
def test_strings_that_are_no_dates__are_kept(name: str) -> None:
    assert len(read_cells(pd.DataFrame({"name": [name, "other"]}))) == 2


def test_empty_columns__are_named() -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": [np.nan, np.nan], "c": ["x", None], "d": [None, None]})
    assert read_cells(frame).empty_columns == ("b", "d")
