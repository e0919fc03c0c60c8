import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas_gym.errors import InvalidArgumentError
from nas_gym.tasks.language_modelling.token_windows import batchify, windows


def stream(tokens: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.arange(tokens, dtype=np.int32)


def test_batchify__lays_the_stream_out_in_columns() -> None:
    columns = batchify(stream(11), 3)
    assert columns.dtype == np.int32
    assert columns.tolist() == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


def test_windows__read_on_where_the_last_one_ended() -> None:
    found = [(inputs.tolist(), targets.tolist()) for inputs, targets in windows(batchify(stream(8), 2), 2)]
    assert found == [([[0, 4], [1, 5]], [[1, 5], [2, 6]]), ([[2, 6]], [[3, 7]])]


@given(st.integers(2, 200), st.integers(1, 20), st.integers(1, 50))
def test_windows__make_every_token_but_the_first_of_a_column_a_target_once(
    tokens: int, batch_size: int, steps: int
) -> None:
    if tokens // batch_size < 2:
        return
    columns = batchify(stream(tokens), batch_size)
    pieces = list(windows(columns, steps))
    assert all(len(inputs) == steps for inputs, _ in pieces[:-1])
    for inputs, targets in pieces:
        assert 1 <= len(inputs) <= steps
        assert np.array_equal(targets, inputs + 1), "the stream counts, so what follows t is t + 1"
    length = tokens // batch_size
    expected = [t for t in range(length * batch_size) if t % length]
    assert sorted(np.concatenate([targets.ravel() for _, targets in pieces]).tolist()) == expected


@pytest.mark.parametrize("value", [0, -1, 2.0, True, None])
def test_windows__refuse_sizes_that_are_not_positive(value: object) -> None:
    with pytest.raises(InvalidArgumentError, match=f"batch_size must be an integer from 1, got {value}"):
        batchify(stream(9), value)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=f"steps must be an integer from 1, got {value}"):
        next(windows(batchify(stream(9), 2), value))  # type: ignore[arg-type]


def test_batchify__refuses_columns_with_nothing_to_predict() -> None:
    assert batchify(stream(9), 4).shape == (2, 4)
    with pytest.raises(InvalidArgumentError, match=r"batch_size must be at most 4 for 9 tokens.*, got 5"):
        batchify(stream(9), 5)
