"""What every estimator is given: a random state, and an answer for each row or image."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from nas_gym.checks import integer
from nas_gym.errors import InvalidDataError


def seed_of(random_state: int | np.random.RandomState | None) -> int:
    """Return the seed that scikit-learn's ``random_state`` means.

    Raises:
        InvalidArgumentError: If it is a number out of range.
    """
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        return integer("random_state", random_state, 0, 2**32 - 1)
    return int(check_random_state(random_state).randint(2**31 - 1))


def given(y: ArrayLike) -> NDArray[np.generic]:
    """Return what was given as answers, of one dimension."""
    if y is None:
        raise InvalidDataError("requires y to be passed, but the target y is None")
    array = np.asarray(y)
    if array.dtype.kind == "c":
        raise InvalidDataError("Complex data not supported: y holds complex numbers")
    return np.asarray(column_or_1d(array, warn=True))


def labels_of(y: ArrayLike) -> NDArray[np.generic]:
    """Return classes, one a row, none of them missing."""
    labels = given(y)
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise InvalidDataError("Input y contains NaN or infinity: every row needs a class")
    if labels.dtype.kind == "O" and any(value is None or value != value for value in labels.tolist()):
        raise InvalidDataError("Input y contains NaN: every row needs a class")
    check_classification_targets(labels)
    return labels
