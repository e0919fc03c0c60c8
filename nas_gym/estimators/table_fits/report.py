"""The page of a fit to a table: one HTML file that needs no network."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import shorten

import numpy as np

from nas_gym.estimators.table_fits.findings import TableFindings
from nas_gym.estimators.table_fits.references import NO_SEARCH, Comparison
from nas_gym.files import write_text_atomically
from nas_gym.kept.table_model import decide
from nas_gym.pages.curves import reward_curve
from nas_gym.pages.page import Drawings, render
from nas_gym.pages.panels import Panel
from nas_gym.pages.prediction_panels import calibration, confusion, predicted_and_true, regions

TEMPLATE = Path(__file__).parent / "templates" / "table.html.jinja"
Cells = list[tuple[str, ...]]
LONGEST = 200
"""Characters of an argument; a table of the user's may be one."""
MOST_CANDIDATES = 15
"""Rows of the table of networks."""


def write_page(findings: TableFindings, file: Path, again: str, use: str) -> None:
    """Write the page.

    Args:
        findings: What it tells.
        file: Where.
        again: What makes the model again, a command or an expression.
        use: How it is used.

    Raises:
        OSError: If it cannot be written.
    """
    write_text_atomically(file, html_page(findings, again, use))


def html_page(findings: TableFindings, again: str, use: str) -> str:
    """Return the page, see ``write_page``."""
    drawings, target = Drawings(), findings.model.target or "the target"
    texts = [each.architecture or "an illegal token" for each in findings.episodes]
    rewards = [each.reward for each in findings.episodes]
    meanings = [f"{text}, reward {reward:.4g}" for text, reward in zip(texts, rewards, strict=True)]
    search = [reward_curve(rewards, meanings)] if rewards else []
    return render(
        TEMPLATE,
        drawings,
        title=f"Networks that predict {target}",
        lead=_lead(findings),
        verdict=verdict(findings.comparisons),
        compared=_compared(findings),
        networks=_networks(findings),
        asked=[(name, shorten(str(value), LONGEST)) for name, value in findings.asked.items()],
        columns=[("column", "holds", "gaps", "values")]
        + [(each.name, each.kind, str(each.gaps), each.values) for each in findings.columns],
        search=drawings.place("search", search),
        insights=drawings.place("insight", _insights(findings)),
        metric=findings.metric,
        again=again,
        use=use,
    )


def verdict(comparisons: Sequence[Comparison]) -> str:
    """Return in words what may be said of the search beside what it is compared with."""
    if not comparisons:
        return "No references were fitted (references=True fits them), so nothing can be said of that."
    parts = []
    for word, text in (
        ("better", "better than {}"),
        ("worse", "worse than {}"),
        ("undecided", "not to be told apart from {}"),
    ):
        named = [each.name for each in comparisons if each.verdict == word]
        if named:
            parts.append(text.format(_listed(named)))
    said = f"On rows that none of them had learned from, the search is {'; '.join(parts)}."
    bare = next((each for each in comparisons if each.name == NO_SEARCH), None)
    if bare is None:
        return said
    if bare.verdict == "better":
        return f"{said} So the search paid: the widest network, ensembled alike, is worse."
    return f"{said} That the search paid is not shown: the widest network, ensembled alike, does no worse."


def _lead(findings: TableFindings) -> str:
    count = len(findings.model.architectures)
    who = "one network answers" if count == 1 else f"{count} networks answer together"
    value = findings.metric.value_text(findings.model.scores[findings.metric.name])
    return (
        f"{findings.rows:,} rows, {len(findings.columns)} columns. "
        f"{len(findings.episodes):,} architectures were proposed, {len(findings.leaderboard)} trained on all "
        f"folds; {who}: {findings.metric.words} {value} on rows that they had not learned from."
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _compared(findings: TableFindings) -> Cells:
    if not findings.comparisons:
        return []
    form = findings.metric.value_text
    ours = findings.model.scores[findings.metric.name]
    rows: Cells = [("beside", findings.metric.words, "how much better the search is", "verdict")]
    rows.append(("the search", form(ours), "", ""))
    for each in findings.comparisons:
        interval = f"{each.gap:+.4f} [{each.low:+.4f}, {each.high:+.4f}]"
        rows.append((each.name, form(each.score), interval, each.verdict))
    return rows


def _networks(findings: TableFindings) -> Cells:
    rows: Cells = [("network", "numbers as", "rate", findings.metric.words, "share")]
    for each in findings.leaderboard[:MOST_CANDIDATES]:
        score, share = each[findings.metric.name], each["share"]
        assert isinstance(score, float) and isinstance(share, float)
        rows.append(
            (
                str(each["architecture"]),
                str(each["encoding"]),
                f"{each['learning_rate']:g}",
                findings.metric.value_text(score),
                f"{share:.0%}" if share else "",
            )
        )
    return rows


def _insights(findings: TableFindings) -> list[Panel]:
    model = findings.model
    if model.classes is None:
        return [predicted_and_true(findings.truth.astype(np.float64), findings.answers[:, 0])]
    names = [str(name) for name in model.classes]
    labels = findings.truth.astype(np.int64)
    said = np.zeros_like(findings.answers)
    said[np.arange(len(said)), decide(findings.answers, model.favour)] = 1.0
    panels = [confusion(names, labels, said), calibration(labels, findings.answers)]
    numbers = findings.judged.numbers
    if numbers.shape[1] == 2 == len(model.columns) and not np.isnan(numbers).any():
        panels.insert(0, regions(names, numbers.astype(np.float32), labels, model.predict_proba))
    return panels
