"""How far a search, or what surrounds it, is: a bar on a terminal, a line a minute in a file."""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

LINE_SECONDS = 60.0


class ProgressLines:
    """Prints how far something is where no bar can be seen, as in the log file of a job.

    Args:
        console: Where to print; a terminal gets no line, since it has the bar.
        seconds: Time between two lines, at least; by default ``LINE_SECONDS``.
    """

    def __init__(self, console: Console, seconds: float | None = None) -> None:
        self._console = console
        self._seconds = LINE_SECONDS if seconds is None else seconds
        self._last = time.monotonic()

    def tell(self, text: str) -> None:
        """Print a text if it is time for a line."""
        if self._console.is_terminal or time.monotonic() - self._last < self._seconds:
            return
        self._last = time.monotonic()
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)


class Left(ProgressColumn):
    """Shows the time until a task has lasted ``end`` seconds, which is a field of it, ``None`` if not known.

    Rich's own column forgets steps after half a minute, so that it never knows how long slow ones take.
    """

    def render(self, task: Task) -> Text:
        """Return the time."""
        return Text(self.text(task), style="progress.remaining")

    @staticmethod
    def text(task: Task) -> str:
        """Return the time as text."""
        end = task.fields["end"]
        return clock(None if end is None else end - (task.elapsed or 0.0))


class Pace:
    """Knows when all of something will be done, if it goes on as in the second half of the time so far.

    What a store knows already, and what had to be compiled first, says nothing about the rest.

    Args:
        done: How many were done before the time began.
    """

    def __init__(self, done: int) -> None:
        self._steps = deque([(0.0, done)])

    def end(self, seconds: float, done: int, total: int) -> float | None:
        """Return when all will be done, in seconds from the beginning; ``None`` while that is not known.

        Args:
            seconds: The time so far, not less than at the last call.
            done: How many are done.
            total: How many there will be.
        """
        self._steps.append((seconds, done))
        while self._steps[1][0] <= seconds / 2 and len(self._steps) > 2:
            self._steps.popleft()
        begun, earlier = self._steps[0]
        if done >= total:
            return seconds
        return None if done == earlier else seconds + (seconds - begun) / (done - earlier) * (total - done)


class _Bars:
    """Bars that move as long as a ``with`` block lasts."""

    _progress: Progress

    def __enter__(self) -> Self:
        """Show them."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave them as they stand."""
        self._progress.stop()


class CountProgress(_Bars):
    """Shows how many of something are done, and the time that is left, see ``Pace``.

    A bar on a terminal, elsewhere lines, see ``ProgressLines``.

    Args:
        console: Where to print.
    """

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            Left(),
            TextColumn("{task.fields[text]}"),
            console=console,
        )
        self._tasks: dict[str, tuple[TaskID, Pace]] = {}
        self._lines = ProgressLines(console)

    def tell(self, what: str, done: int, total: int, text: str = "") -> None:
        """Show how far it is.

        Args:
            what: What is counted; each has a bar of its own, whose time runs from the first call.
            done: How many there are.
            total: How many there will be.
            text: What else is known.
        """
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total, end=None, text=text), Pace(done)
        index, pace = self._tasks[what]
        task = self._progress.tasks[index]
        end = pace.end(task.elapsed or 0.0, done, total)
        self._progress.update(index, completed=done, end=end, text=text)
        self._lines.tell(
            f"{what}: {done} of {total}, {clock(task.elapsed)} elapsed, {Left.text(task)} left"
            f"{text and f', {text}'}"
        )


class SearchProgress(_Bars):
    """Shows architectures done, mean reward of the last 100, best reward so far, children a second, and time.

    A bar on a terminal, elsewhere lines, see ``ProgressLines``.

    Args:
        total: Number of architectures that fill the bar.
        visible: Whether to show anything.
        earlier: Rewards of episodes that count as done already, as after an interruption.
        seconds: After how many more the search ends, if it ends by the clock and not before.
    """

    def __init__(
        self, total: int, visible: bool, earlier: Sequence[float] = (), seconds: float | None = None
    ) -> None:
        self._recent: deque[float] = deque(earlier, maxlen=100)
        self._best = max(earlier, default=float("-inf"))
        self._earlier = len(earlier)
        self._pace = Pace(len(earlier))
        self._seconds = seconds
        self._progress = Progress(
            BarColumn(bar_width=8),
            MofNCompleteColumn(),
            TextColumn("reward {task.fields[mean]}, best {task.fields[best]}, {task.fields[speed]}/s"),
            TimeElapsedColumn(),
            TextColumn("left"),
            Left(),
            disable=not visible,
        )
        mean, best = self._mean_and_best()
        self._task = self._progress.add_task(
            "search", total=total, completed=len(earlier), mean=mean, best=best, speed="-", end=seconds
        )
        self._lines = ProgressLines(self._progress.console) if visible else None

    def add(self, rewards: Iterable[float]) -> None:
        """Count finished episodes.

        Args:
            rewards: One return for each of them.
        """
        new = list(rewards)
        self._recent.extend(new)
        self._best = max([self._best, *new])
        task = self._progress.tasks[self._task]
        seconds = task.elapsed or 0.0
        done = int(task.completed) + len(new)
        speed = _speed_text((done - self._earlier) / seconds) if seconds > 0 else "-"
        mean, best = self._mean_and_best()
        ends = (self._seconds, self._pace.end(seconds, done, int(task.total or 0)))
        end = min((each for each in ends if each is not None), default=None)
        self._progress.update(self._task, advance=len(new), mean=mean, best=best, speed=speed, end=end)
        if self._lines is not None:
            self._lines.tell(
                f"{task.completed:.0f} of {task.total:.0f} architectures, reward {mean}, best {best}, "
                f"{clock(seconds)} elapsed, {Left.text(task)} left"
            )

    def _mean_and_best(self) -> tuple[str, str]:
        if not self._recent:
            return "-", "-"
        return f"{sum(self._recent) / len(self._recent):#.4g}", f"{self._best:#.4g}"


def _speed_text(speed: float) -> str:
    """Return a number of children a second, which may take minutes each."""
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.2g}"


def clock(seconds: float | None) -> str:
    """Return a time as hours, minutes and seconds; ``-`` if it is not known."""
    return "-" if seconds is None else str(timedelta(seconds=max(0, int(seconds))))
