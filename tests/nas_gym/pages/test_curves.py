import numpy as np

from nas_gym.pages.curves import moving_average


def test_moving_average__is_over_the_last_values() -> None:
    values = np.array([1.0, 3.0, 5.0, 7.0])
    assert moving_average(values, window=2).tolist() == [1.0, 2.0, 4.0, 6.0]
    assert moving_average(values, window=9).tolist() == [1.0, 2.0, 3.0, 4.0]
