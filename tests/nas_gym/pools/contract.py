"""The contract of pools, for those of other people as well."""

import pickle
from functools import partial

from nas_gym.pools import Pool


class Shift:
    """Adds a number, and wants to be warm before."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.warm = 0

    def warm_up(self) -> None:
        """Count how often this is called."""
        self.warm += 1

    def __call__(self, item: int) -> tuple[int, int]:
        """Return the sum, and how often this was warmed up."""
        return item + self.number, self.warm


def check_pool(pool: Pool) -> None:
    """Check that a pool does what ``Pool`` promises; it is closed at the end.

    Raises:
        AssertionError: If it does not.
    """
    assert pool.workers >= 1
    assert list(pool.map(Shift(1), [])) == []
    items = list(range(10, 17))
    shift = Shift(1)
    for _ in range(2):  # what was started works on
        assert sorted(pool.map(shift, items)) == [(i, (item + 1, 1)) for i, item in enumerate(items)]
    assert sorted(pool.map(lambda item: -item, items)) == [(i, -item) for i, item in enumerate(items)]
    futures = [pool.submit(partial(pow, 2), item) for item in items]
    assert [future.result() for future in futures] == [2**item for item in items]
    assert pool.submit(Shift(2), 1).result() == (3, 1)

    assert isinstance(pool.submit(_inverse, 0).exception(), ZeroDivisionError)
    for raising in (_inverse, _complain):
        try:
            list(pool.map(raising, [2, 0, 1]))
        except (ZeroDivisionError, LookupError) as error:
            assert str(error) in ("division by zero", "'no zero'"), error
        else:
            raise AssertionError("an exception of the function did not end the map")
    given_up = pool.map(_inverse, [2, 4])
    for _ in given_up:
        break
    assert sorted(pool.map(_inverse, [1, 2])) == [(0, 1.0), (1, 0.5)], "given up items did harm"

    copy = pickle.loads(pickle.dumps(pool))
    with copy as entered:
        assert entered is copy and copy.workers == pool.workers
        assert list(copy.map(_inverse, [4])) == [(0, 0.25)]
    for _ in range(2):
        pool.close()
    assert list(pool.map(_inverse, [4])) == [(0, 0.25)], "a closed pool does not start anew"
    pool.close()


def _inverse(item: int) -> float:
    return 1 / item


def _complain(item: int) -> int:
    if item == 0:
        raise LookupError("'no zero'")
    return item
