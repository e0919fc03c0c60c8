"""One HTML file that needs no network: a room's own template on what all pages share."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from nas_gym.extras import needs
from nas_gym.pages.drawer import Json, draw_for_page
from nas_gym.pages.panels import Panel

with needs("report", "a page"):
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from plotly.offline import get_plotlyjs

TEMPLATES = Path(__file__).parent / "templates"

Places = list[tuple[str, Panel]]
"""Panels, each with the id of the element that it is drawn in."""


class Drawings:
    """The panels of a page, drawn once each, by the ids of their elements."""

    def __init__(self) -> None:
        self._drawn: dict[str, Json] = {}

    def place(self, name: str, panels: Sequence[Panel]) -> Places:
        """Draw panels that stand together and return where.

        Args:
            name: No other ones have it.
            panels: In order.
        """
        places = [(f"{name}-{number}", panel) for number, panel in enumerate(panels)]
        self._drawn |= {place: draw_for_page(panel) for place, panel in places}
        return places

    @property
    def drawn(self) -> Mapping[str, Json]:
        """What is drawn, by its place."""
        return self._drawn


def render(template: Path, drawings: Drawings, **values: object) -> str:
    """Return a page.

    Args:
        template: A file that extends ``page.html.jinja``; what it includes may stand beside it.
        drawings: All panels that have a place on the page.
        **values: What the template names.
    """
    pages = Environment(
        loader=FileSystemLoader([template.parent, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return pages.get_template(template.name).render(drawn=drawings.drawn, plotly=get_plotlyjs(), **values)
