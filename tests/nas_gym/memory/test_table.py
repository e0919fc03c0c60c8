from typing import Any

import numpy as np
import pytest

from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError, InvalidTableError
from nas_gym.memory.tables.table import Table, smallest_counts
from nas_gym.search_spaces import Architecture, MlpSpace, NasBench201Space
from nas_gym.tasks.metric import PERPLEXITY

SPACE = MlpSpace(widths=(1, 2), activations=("Tanh",), max_length=1)
"""Three networks: Linear-1, Linear-2, Tanh."""
VALIDATION = np.array([[80, 90], [100, 90], [90, 80]], dtype=np.uint8)
TEST = np.array([[120, 130], [140, 150], [200, 200]], dtype=np.uint8)
FLOATS = np.array([[0.5], [0.75], [0.75]], dtype=np.float32)


def table(**columns: Any) -> Table:  # noqa: ANN401
    known = {"validation": VALIDATION, "validation_samples": 100, "test": TEST, "test_samples": 200}
    return Table(SPACE, "data", "recipe", **(known | columns))  # type: ignore[arg-type]


def network(text: str) -> Architecture:
    return SPACE.parse(text)


def test_table__answers_for_architectures() -> None:
    known = table()
    assert known.seeds == 2
    assert known.validation_scores(network("Linear-2")) == [1.0, 0.9]
    assert known.validation_score(network("Linear-2")) == 0.95
    assert known.test_scores(network("Linear-2")) == [0.7, 0.75]
    assert known.test_score(network("Linear-2")) == 0.725
    with pytest.raises(InvalidArchitectureError):
        known.validation_score(Architecture("mlp-v0", ("Linear-16",)))


def test_table__knows_the_optimum_and_how_far_away_an_answer_is() -> None:
    known = table()
    assert known.optimum == 0.95
    assert known.best_architectures == [network("Linear-2")]
    assert known.best_test_score == 0.725
    assert [known.rank_of(network(name)) for name in ("Linear-1", "Linear-2", "Tanh")] == [2, 1, 2]
    assert known.regret(network("Linear-2")) == 0.0
    assert known.regret(network("Tanh")) == pytest.approx(0.1)


def test_table__of_floats_answers_too_and_shares_the_first_place() -> None:
    known = table(validation=FLOATS, validation_samples=None)
    assert known.optimum == 0.75
    assert [str(best) for best in known.best_architectures] == ["Linear-2", "Tanh"]
    assert known.best_test_score == pytest.approx((0.725 + 1.0) / 2)
    assert [known.rank_of(network(name)) for name in ("Linear-1", "Linear-2", "Tanh")] == [3, 1, 1]


def test_table__of_what_should_be_small_has_its_optimum_at_the_other_end() -> None:
    losses = np.array([[2.0, 8.0], [4.0, 1.0], [9.0, 1.0]])
    known = table(
        validation=losses, validation_samples=None, test=2 * losses, test_samples=None, metric=PERPLEXITY
    )
    assert known.validation_scores(network("Linear-1")) == [2.0, 8.0]
    assert known.validation_score(network("Linear-1")) == pytest.approx(4.0), (
        "means are taken of the logarithm"
    )
    assert known.optimum == pytest.approx(2.0)
    assert known.best_architectures == [network("Linear-2")]
    assert known.best_test_score == pytest.approx(4.0)
    assert [known.rank_of(network(name)) for name in ("Linear-1", "Linear-2", "Tanh")] == [3, 1, 2]
    assert known.regret(network("Tanh")) == pytest.approx(1.0)


def test_without_test__locks_the_test_results_away() -> None:
    locked = table().without_test()
    assert locked.test is None
    assert locked.validation_score(network("Tanh")) == 0.85
    for read in (locked.test_score, locked.test_scores, lambda _: locked.best_test_score):
        with pytest.raises(InvalidArgumentError, match="came without test results"):
            read(network("Tanh"))


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"validation": VALIDATION[:2]}, "a row for each of 3 architectures"),
        ({"validation": VALIDATION[:, 0]}, "a column a seed"),
        ({"test": TEST[:, :0]}, "a column a seed"),
        ({"validation_samples": 99}, "up to 99 samples, got uint8 up to 100"),
        ({"validation": VALIDATION.astype(np.int64)}, "must be unsigned integers"),
        ({"validation_samples": None}, "validation must be floats, got uint8"),
        ({"test": FLOATS * np.nan, "test_samples": None}, "3 values of test are NaN or infinite"),
        ({"test": FLOATS * 2, "test_samples": None}, "test must be from 0 to 1, got 1 to 1.5"),
        ({"validation": -FLOATS, "validation_samples": None}, "must be from 0 to 1"),
        ({"parameters": np.array([1, 2], dtype=np.uint8)}, "parameters must be"),
        ({"parameters": np.array([1.0, 2.0, 3.0])}, "parameters must be"),
        ({"seconds": np.array([1.0, np.inf, 2.0])}, "1 values of seconds are NaN or infinite"),
        ({"seconds": np.array([1.0, -1.0, 2.0])}, "seconds must be from 0"),
        ({"seconds": np.ones(4)}, r"seconds must have the shape \(3,\)"),
        ({"metric": PERPLEXITY}, "validation counts samples, perplexity must be floats"),
        (
            {"validation": 0 * FLOATS, "validation_samples": None, "metric": PERPLEXITY},
            "validation must be from 1.17549e-38 to inf, got 0 to 0",
        ),
        ({"failed": np.zeros((3, 1), dtype=np.bool_)}, "failed must be bool"),
    ],
)
def test_table__refuses_what_cannot_be_results(columns: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidTableError, match=says) as error:
        table(**columns)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("largest", "dtype"), [(0, "u1"), (255, "u1"), (256, "u2"), (70_000, "u4")])
def test_smallest_counts__takes_the_smallest_type_that_is_enough(largest: int, dtype: str) -> None:
    counts = np.array([0, largest])
    assert smallest_counts(counts).dtype == np.dtype(dtype)
    assert np.array_equal(smallest_counts(counts), counts)


def test_table__of_nas_bench_201_has_a_row_for_every_cell() -> None:
    with pytest.raises(InvalidTableError, match="each of 15625 architectures"):
        Table(NasBench201Space(), "data", "recipe", validation=FLOATS)
