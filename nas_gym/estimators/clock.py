"""How much time a fit has left."""

from math import inf
from time import perf_counter

from nas_gym.checks import number


class Clock:
    """Runs from when it is made.

    Args:
        seconds: How long there is; ``None`` for no limit.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = inf if seconds is None else seconds
        self._started = perf_counter()

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit at all; without one nothing depends on time."""
        return self.seconds < inf

    @property
    def passed(self) -> float:
        """Seconds since it was made."""
        return perf_counter() - self._started

    @property
    def left(self) -> float:
        """Seconds until the limit, below 0 when it is over."""
        return self.seconds - self.passed


def clock_of(minutes: float | None) -> Clock:
    """Return a clock that has just started, for what a user calls ``minutes``.

    Raises:
        InvalidArgumentError: If it is no positive number.
    """
    if minutes is None:
        return Clock()
    return Clock(60.0 * number("minutes", minutes, "a positive number", above=0.0))
