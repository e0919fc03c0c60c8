"""The page of a study: one HTML file in the folder of its run, that needs no network."""

from collections.abc import Mapping
from pathlib import Path

from nas_gym.files import Json
from nas_gym.kept.loading import load_network
from nas_gym.pages.page import Drawings, Places, render
from nas_gym.pages.panels import Panel
from nas_gym.studies.comparison import Comparison
from nas_gym.studies.report.command import command_of
from nas_gym.studies.report.findings import Findings, lettered
from nas_gym.studies.report.insight import Insight, insight_of
from nas_gym.studies.report.pictures import drawing
from nas_gym.studies.report.search_panels import climb, contenders, fronts, learning_curve
from nas_gym.studies.report.sentences import asked, lead, retrain_command, search_sentences, use, verdict
from nas_gym.studies.retraining import FULL

TEMPLATE = Path(__file__).parent / "templates" / "study.html.jinja"


def html_page(findings: Findings) -> str:
    """Return the page.

    Raises:
        NasGymError: If the network that was kept cannot be loaded.
        OSError: If it cannot be read.
    """
    drawings = Drawings()
    compared, letters = (None, {}) if findings.compared is None else lettered(findings.compared)
    insight = _insight(findings)
    front, climbed = fronts(findings), climb(findings)
    return render(
        TEMPLATE,
        drawings,
        title=f"{findings.settings.agent} on {findings.settings.env}",
        lead=lead(findings),
        asked=asked(findings),
        network=_network(findings),
        search=search_sentences(findings),
        verdict=verdict(findings, compared),
        retrain=retrain_command(findings),
        letters=letters,
        cells=None if compared is None else compared.cells(),
        best_possible="" if compared is None else compared.best_possible_text(),
        contenders=_contenders(drawings, compared),
        curve=drawings.place("curve", [learning_curve(findings)]),
        fronts=drawings.place("front", front),
        climbed=[] if climbed is None else drawings.place("climb", [climbed]),
        insight=insight,
        insights=[] if insight is None else drawings.place("insight", insight.panels),
        metric=findings.problem.metric,
        command=command_of(findings.settings),
        use=use(findings),
    )


def _insight(findings: Findings) -> Insight | None:
    """Ask the network that was kept about the validation rows of the full training."""
    if findings.winner is None or findings.problem.task is None:
        return None
    return insight_of(load_network(findings.winner), findings.problem.task.data_of(FULL))


def _contenders(drawings: Drawings, compared: Comparison | None) -> Places:
    """Draw test results, if there are any to draw."""
    if compared is None:
        return []
    panel: Panel = contenders(compared)
    return drawings.place("contenders", [panel] if panel.dots else [])


def _network(findings: Findings) -> Mapping[str, Json]:
    """Return what is told of the network: its text, drawing and costs."""
    text = findings.network
    episode = next(each for each in findings.episodes if each.architecture == text and each.status == "ok")
    return {
        "text": text,
        "picture": drawing(findings.problem.search_space, text, episode.reward),
        "parameters": episode.parameters,
        "multiply_adds": episode.multiply_adds,
        "reward": episode.reward,
    }
