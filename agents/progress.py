"""How far a search is: a bar on a terminal, a line a minute in a file."""

import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

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


class SearchProgress:
    """Shows architectures done, mean reward of the last 100, best reward so far, children a second, and time.

    A bar on a terminal, elsewhere lines, see ``ProgressLines``.

    Args:
        total: Number of architectures that fill the bar.
        visible: Whether to show anything.
        earlier: Rewards of episodes that count as done already, as after an interruption.
        seconds: After how many more the search ends, if it ends by the clock.
    """

    def __init__(
        self, total: int, visible: bool, earlier: Sequence[float] = (), seconds: float | None = None
    ) -> None:
        self._recent: deque[float] = deque(earlier, maxlen=100)
        self._best = max(earlier, default=float("-inf"))
        self._earlier = len(earlier)
        self._seconds = seconds
        self._progress = Progress(
            BarColumn(bar_width=8),
            MofNCompleteColumn(),
            TextColumn("reward {task.fields[mean]}, best {task.fields[best]}, {task.fields[speed]}/s"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn() if seconds is None else TextColumn("{task.fields[left]}"),
            disable=not visible,
        )
        self._task = self._progress.add_task(
            "search", total=total, completed=len(earlier), mean="-", best="-", speed="-", left="-"
        )
        self._lines = ProgressLines(self._progress.console) if visible else None

    def __enter__(self) -> "SearchProgress":
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()

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
        played = task.completed + len(new) - self._earlier
        speed = f"{played / seconds:,.0f}" if seconds > 0 else "-"
        mean = f"{sum(self._recent) / len(self._recent):#.4g}" if self._recent else "-"
        best = f"{self._best:#.4g}"
        left = "-" if self._seconds is None else clock(self._seconds - seconds)
        self._progress.update(self._task, advance=len(new), mean=mean, best=best, speed=speed, left=left)
        if self._lines is not None:
            remaining = left if self._seconds is not None else clock(task.time_remaining)
            self._lines.tell(
                f"{task.completed:.0f} of {task.total:.0f} architectures, reward {mean}, best {best}, "
                f"{clock(seconds)} elapsed, {remaining} left"
            )


def clock(seconds: float | None) -> str:
    """Return a time as hours, minutes and seconds; ``-`` if it is not known."""
    return "-" if seconds is None else str(timedelta(seconds=max(0, int(seconds))))
