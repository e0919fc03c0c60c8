"""The last thing that a study writes: its pictures, and its page."""

from rich.console import Console

from nas_gym.errors import MissingPackageError, NasGymError
from nas_gym.files import write_text_atomically
from nas_gym.pages.panels import Figure
from nas_gym.studies.report.findings import Findings
from nas_gym.studies.report.search_panels import fronts, learning_curve
from nas_gym.studies.report.words import say

PAGE = "report.html"
CURVE, FRONT = "learning_curve.png", "pareto_front.png"


def write_report(findings: Findings, console: Console) -> None:
    """Write pictures and page into the folder of the run and say where they are.

    Where a package of the extra is missing, one line names it, and none of them is written.
    """
    try:
        from nas_gym.pages.picture import draw_picture
        from nas_gym.studies.report.page import html_page  # noqa: F401 - before half of it is written
    except MissingPackageError as error:
        say(console, f"{CURVE}, {FRONT} and {PAGE} are not written: {error}; --resume writes them then")
        return
    path, metric, settings = findings.path, findings.problem.metric, findings.settings
    about = f"{settings.agent} on {settings.env}, seed {settings.seed}"
    draw_picture(path / CURVE, about, Figure("rewards", [learning_curve(findings)]))
    say(console, f"learning curve: {path / CURVE}")
    if panels := fronts(findings):  # cells of a run have one size
        draw_picture(path / FRONT, about, Figure(f"{metric.words} against size", panels))
        say(console, f"{metric.words} against size: {path / FRONT}")
    write_page(findings, console)


def write_page(findings: Findings, console: Console) -> None:
    """Write the page into the folder of the run and say where it is.

    It tells what is on disk already: so a page that cannot be written, as a package is missing for instance,
    or a kept network that cannot be read again, is told in one line and ends nothing.
    """
    file = findings.path / PAGE
    try:
        from nas_gym.studies.report.page import html_page

        write_text_atomically(file, html_page(findings))
    except (NasGymError, OSError) as error:
        say(console, f"{file} could not be written: {' '.join(str(error).split())}")
    else:
        say(console, f"the study on one page: {file}")
