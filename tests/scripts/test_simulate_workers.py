import math
from dataclasses import replace

from scripts.simulate_workers import Search, time_to

ONE = Search("random_search", "batch", 8, 0, (1.0, 5.0), (0.9, 1.0), 5.0, 1.0, 1.0, 0, 2)
TWO = replace(ONE, times=(2.0, 3.0, 9.0), tests=(1.0, 0.8, 0.9))


def test_time__is_when_the_mean_has_reached_the_target_for_good() -> None:
    assert time_to([ONE], 0.9) == 1
    assert time_to([ONE], 0.95) == 5
    assert math.isinf(time_to([ONE], 1.1))
    # An answer that is better on validation data may be worse on test data: 0.95, then 0.85, 0.9, 0.95.
    assert time_to([ONE, TWO], 0.9) == 5
    assert time_to([ONE, TWO], 0.95) == 9
