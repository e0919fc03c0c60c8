import io
import time

import pytest
import rich
from rich.console import Console

from agents import progress
from agents.progress import CountProgress, Pace, ProgressLines, SearchProgress, clock


def test_lines__come_once_in_so_many_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    written = io.StringIO()
    lines = ProgressLines(Console(file=written), seconds=60.0)
    for seconds, text in ((30, "too early"), (31, "first"), (59, "too early"), (1, "second")):
        now[0] += seconds
        lines.tell(text)
    assert written.getvalue().splitlines() == ["first", "second"]


def test_lines__are_not_for_terminals() -> None:
    written = io.StringIO()
    ProgressLines(Console(file=written, force_terminal=True), seconds=0.0).tell("unseen")
    assert written.getvalue() == ""


def test_count__knows_how_long_slow_ones_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    now, written = [0.0], io.StringIO()
    with CountProgress(Console(file=written, get_time=lambda: now[0])) as bar:
        bar.tell("trainings", 0, 9)
        for now[0], done in ((240.0, 1), (300.0, 3)):
            bar.tell("trainings", done, 9, f"best {done}")
        now[0] = 330.0
        bar.tell("trainings", 3, 9)
        bar.tell("others", 4, 10)
        now[0] = 390.0
        bar.tell("others", 5, 10)
    assert written.getvalue().splitlines()[:6] == [
        "trainings: 0 of 9, 0:00:00 elapsed, - left",
        "trainings: 1 of 9, 0:04:00 elapsed, 0:32:00 left, best 1",
        "trainings: 3 of 9, 0:05:00 elapsed, 0:10:00 left, best 3",
        "trainings: 3 of 9, 0:05:30 elapsed, 0:11:00 left",
        "others: 4 of 10, 0:00:00 elapsed, - left",
        "others: 5 of 10, 0:01:00 elapsed, 0:05:00 left",
    ]


def test_pace__forgets_what_was_known_and_what_was_compiled() -> None:
    pace = Pace(0)
    assert pace.end(0.0, 0, 40) is None
    for known in (8, 16, 24):
        assert pace.end(known / 80, known, 40) == pytest.approx(0.5)
    for done in range(25, 40):
        seconds = 0.3 + 150 * (done - 24)
        assert pace.end(seconds, done, 40) == pytest.approx(seconds + 150 * (40 - done))
    assert pace.end(9_000.0, 40, 40) == 9_000.0
    compiled = Pace(0)
    ends = [compiled.end(60.0 + done, done, 1_000) for done in range(1, 900)]
    assert ends[0] == pytest.approx(61 * 1_000)
    assert ends[-1] == pytest.approx(1_060.0)


def test_pace__of_workers_that_end_together_is_their_mean() -> None:
    pace = Pace(0)
    for pair in range(1, 20):
        pace.end(100.0 * pair, 2 * pair - 1, 40)
        assert pace.end(100.0 * pair, 2 * pair, 40) == pytest.approx(2_000.0)


def test_search__that_ends_by_its_architectures_before_the_clock_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    now = [0.0]
    monkeypatch.setattr(rich.get_console(), "get_time", lambda: now[0])
    with SearchProgress(4, visible=True, seconds=6_000.0) as bar:
        for now[0] in (10.0, 20.0):
            bar.add([0.5, 0.5])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("0:00:10 elapsed, 0:00:10 left")
    assert lines[1].endswith("0:00:20 elapsed, 0:00:00 left")


def test_search__knows_how_long_slow_children_take(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    now = [0.0]
    monkeypatch.setattr(rich.get_console(), "get_time", lambda: now[0])
    with SearchProgress(10, visible=True, earlier=[0.5, 0.5]) as bar:
        now[0] = 120.0
        bar.add([0.25, 0.75])
        (task,) = bar._progress.tasks
        assert task.fields["speed"] == "0.017"
    line = capsys.readouterr().out.splitlines()[0]
    assert line.endswith("best 0.7500, 0:02:00 elapsed, 0:06:00 left")


def test_search__that_ends_by_the_clock_tells_a_log_file_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    now = [0.0]
    monkeypatch.setattr(rich.get_console(), "get_time", lambda: now[0])
    with SearchProgress(10, visible=True, earlier=[0.5], seconds=3_700.0) as bar:
        now[0] = 3_600.0
        bar.add([0.25, 0.75])
    (line,) = capsys.readouterr().out.splitlines()[:1]
    assert line == ("3 of 10 architectures, reward 0.5000, best 0.7500, 1:00:00 elapsed, 0:01:40 left")


def test_clock__of_an_unknown_time_is_a_dash() -> None:
    assert [clock(None), clock(-1.0), clock(3_661.9)] == ["-", "0:00:00", "1:01:01"]


def test_progress__goes_on_where_it_was_interrupted() -> None:
    progress = SearchProgress(10, False, [0.5, 0.9, 0.7])
    (task,) = progress._progress.tasks
    assert (task.completed, task.total) == (3, 10)
    assert (task.fields["best"], task.fields["mean"]) == ("0.9000", "0.7000")
    with progress:
        progress.add([0.1])
    assert (task.completed, task.fields["best"], task.fields["mean"]) == (4, "0.9000", "0.5500")
