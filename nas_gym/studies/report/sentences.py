"""What a study's page says in words: every sentence is chosen by the numbers at hand."""

import json
import shlex
from collections.abc import Mapping

from nas_gym.datasets.images.reading import ImageReading
from nas_gym.datasets.texts.reading import TextReading
from nas_gym.files import Json
from nas_gym.kept.folder import WINNER
from nas_gym.studies.comparison import Comparison
from nas_gym.studies.report.findings import Findings
from nas_gym.studies.report.words import table_words
from nas_gym.studies.retraining import FULL
from nas_gym.studies.summary import last_tenth_mean

LONGEST_VALUE = 200
"""Of a keyword, in characters: one may be a whole table."""
Told = list[tuple[str, str]]
"""Terms, and what there is to say of them."""


def lead(findings: Findings) -> str:
    """Return how good the network is, as far as that is known."""
    metric, compared = findings.problem.metric, findings.compared
    found = None if compared is None else compared.winner
    proposed = f"{len(findings.episodes):,} architectures were proposed"
    if compared is None:
        return f"{proposed}. Test data have not been read yet."
    if found is None:
        return f"{proposed}, and the one that was chosen could not be trained again."
    average = compared.average(found.test_scores)
    assert average.mean is not None  # a winner has scores
    text = f"{proposed}. The best network found reaches test {metric.words} {metric.value_text(average.mean)}"
    if average.low is not None and average.high is not None:
        low, high = (metric.value_text(end) for end in (average.low, average.high))
        text += f", 95 % interval {low} to {high} over {len(found.test_scores)} trainings"
    return f"{text}."


def verdict(findings: Findings, compared: Comparison | None) -> str:
    """Return whether it is better than what it is held against.

    Args:
        findings: Of the study.
        compared: Its comparison, networks called by letters; ``None`` before it.
    """
    if findings.table is not None:
        text = table_words(findings.table, findings.problem.metric)
        return f"The table of the whole search space knows the answer: {text}."
    if compared is None:
        return (
            "Nothing is known of test data yet. This trains the best networks with all data and a "
            "longer recipe, beside hand-designed or published ones, and reads them once:"
        )
    return compared.verdict()


def retrain_command(findings: Findings) -> str:
    """Return the command that reads the test data of a study whose trainings take long."""
    return shlex.join(["nas-gym", "retrain", "--run-dir", str(findings.path)])


def asked(findings: Findings) -> Told:
    """Return what the study was asked."""
    settings, problem = findings.settings, findings.problem
    space = problem.search_space
    budget = f"{settings.episodes:,} architectures"
    if settings.minutes is not None:
        budget += f", or {settings.minutes:g} minutes of search and climb"
    told = [
        ("environment", settings.env),
        ("keywords", _values(settings.env_kwargs) or "none, all as usual"),
        ("what is learned", settings.task),
        ("how, in the search", settings.recipe),
    ]
    if problem.task is not None and len(problem.task.ladder) > 1:
        told.append(("how, in the last training", problem.task.recipe_id(space, FULL)))
    count = space.count()
    size = f"{count:,}" if count < 10**9 else f"{count:.1e}"
    metric = findings.metric
    return [
        *told,
        ("metric", f"{metric.words}, {'higher' if metric.larger_is_better else 'lower'} is better"),
        ("search space", f"{space.id}, {size} networks"),
        ("agent", " ".join(filter(None, [settings.agent, _in_brackets(_values(settings.agent_arguments))]))),
        ("budget", budget),
        ("seed", str(settings.seed)),
    ]


def search_sentences(findings: Findings) -> list[str]:
    """Return what happened in the search."""
    rows, metric, times = findings.episodes, findings.metric, findings.times
    distinct = len({row.architecture for row in rows} - {None})
    failed = sum(row.status in ("failed", "timed_out") for row in rows)
    illegal = sum(row.status == "illegal" for row in rows)
    scores = [row.scores[metric.name] for row in rows if metric.name in row.scores]
    best = max(scores, key=lambda score: metric.sign * score)
    sentences = [
        f"Of {len(rows):,} architectures {distinct:,} are distinct"
        + (f", {failed:,} training{'s' if failed > 1 else ''} failed" if failed else "")
        + (f", {illegal:,} sentence{'s were' if illegal > 1 else ' was'} illegal" if illegal else "")
        + ".",
        f"The {metric.extreme} validation {metric.words} of a single training is {metric.value_text(best)}; "
        f"it is the best of many, so partly luck. The mean reward of the last 10 % is "
        f"{last_tenth_mean([row.reward for row in rows]):#.4g}.",
    ]
    if times.search_seconds:
        sentences.append(
            f"The search took {times.search_seconds:,.1f} s, {times.evaluation_seconds:,.1f} s of it "
            "training children."
        )
    return sentences


def use(findings: Findings) -> str | None:
    """Return three lines of Python that use the network; ``None`` if none was kept."""
    if findings.winner is None or findings.problem.task is None:
        return None
    reading = findings.problem.task.interface(FULL).reading
    if isinstance(reading, TextReading):
        asked_for = 'network.continuation("...")  # and network.perplexity(text)'
    elif isinstance(reading, ImageReading):
        colours = "" if reading.channels == 1 else f", {reading.channels}"
        shape = f"(n, {reading.height}, {reading.width}{colours})"
        asked_for = f"network.predict(images)  # uint8, {shape}"
        if reading.largest == 255:
            asked_for += ", or the path of a file or folder"
    else:
        asked_for = f"network.predict(features)  # float32, (n, {', '.join(map(str, reading.shape))})"
    winner = (findings.path.absolute() / WINNER).as_posix()
    return f'import nas_gym\nnetwork = nas_gym.load("{winner}")\n{asked_for}'


def _values(values: Mapping[str, Json]) -> str:
    texts = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
    return ", ".join(
        f"{name}={text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + '...'}"
        for name, text in texts.items()
    )


def _in_brackets(text: str) -> str:
    return f"({text})" if text else ""
