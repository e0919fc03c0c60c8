"""What came of a search, in words and a table for a console."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import log2
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agents.progress import CountProgress
from nas_gym.studies.climb import Climbed
from nas_gym.studies.summary import Results, Summary, TableFacts
from nas_gym.tasks.metric import Metric

Tell = Callable[[int, Sequence[Climbed], int], None]
"""Is told a rung, which networks have ended there, and how many there will be."""


def say(console: Console, text: str) -> None:
    """Print a text as it is: lines are not broken, so that paths and commands can be copied."""
    console.print(text, soft_wrap=True, highlight=False, markup=False)


@contextmanager
def climbing_bar(console: Console, metric: Metric) -> Iterator[Tell]:
    """Show how far a climb is, as long as it is told."""
    with CountProgress(console) as bar:

        def tell(rung: int, done: Sequence[Climbed], total: int) -> None:
            scores = [each.score for each in done if each.score is not None]
            best = max(scores, key=lambda score: metric.sign * score, default=None)
            text = "" if best is None else f"best {metric.words} {metric.value_text(best)}"
            bar.tell(f"rung {rung}", len(done), total, text)

        yield tell


def print_search(console: Console, summary: Summary) -> None:
    """Tell what the search found."""
    best, times = summary.best, summary.times
    failed = f", {summary.failed_children} failed" if summary.failed_children else ""
    size = "" if best.parameters is None else f", {best.parameters} parameters"
    say(
        console,
        f"\nbest network: {best.architecture}{size}, {_result(summary.metric, best.score)} in the search\n"
        f"{summary.episodes} architectures, {summary.distinct_architectures} of them distinct{failed}, "
        f"mean reward of the last 10 %: {summary.mean_reward_last_10_percent:#.4g}\n"
        f"{times.search_seconds:.1f} s of search, {times.evaluation_seconds:.1f} s of it "
        "training children\n",
    )


def print_models(console: Console, summary: Summary, path: Path) -> None:
    """Tell how good the chosen network is on test data, or how to find out.

    Args:
        console: Where to print.
        summary: What came of the search.
        path: Folder of the run.
    """
    if summary.retrained is None:
        say(
            console,
            f"nas-gym retrain --run-dir {path} trains the best networks with all data and a longer recipe, "
            "beside hand-designed or published ones, and reads the test data",
        )
        return
    plus_minus = _encodable(console, "±", "+/-")
    metric, facts = summary.metric, summary.table
    table = Table("model", "seeds", f"validation {metric.words}", f"test {metric.words}")
    name = "best network, retrained" if facts is None else "best network, from the table"
    for model, results in {name: summary.retrained, **summary.baselines}.items():
        table.add_row(model, *_cells(results, metric, plus_minus))
    console.print(table)
    say(console, f"{plus_minus} is the standard deviation over seeds")
    if facts is not None:
        say(console, table_words(facts, metric))


def table_words(facts: TableFacts, metric: Metric) -> str:
    """Return how the network that was chosen stands among all of its search space."""
    return (
        f"rank {facts.rank} of {facts.architectures} by mean validation {metric.words}, regret "
        f"{metric.value_text(facts.regret)}: the optimum is {metric.value_text(facts.optimum)}, "
        f"with test {metric.words} {metric.value_text(facts.test_of_optimum)}"
    )


def _result(metric: Metric, score: float) -> str:
    words = f"validation {metric.words} {metric.value_text(score)}"
    if metric.by == "character":
        words += f" ({log2(score):.4f} bits per character)"
    if metric.best_possible is not None:
        words += f" ({metric.best_is} is {metric.value_text(metric.best_possible)})"
    return words


def _cells(results: Results, metric: Metric, plus_minus: str) -> tuple[str, str, str]:
    test = metric.value_text(results.test_mean)
    if results.seeds > 1:
        test += f" {plus_minus} {metric.value_text(results.test_std)}"
    return str(results.seeds), metric.value_text(results.validation_mean), test


def _encodable(console: Console, text: str, instead: str) -> str:
    """Return a text if the console can write it, else another one."""
    try:
        text.encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return instead
    return text
