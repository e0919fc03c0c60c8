"""What figures show, as plain data: a page and a picture draw the same description."""

from collections.abc import Sequence
from dataclasses import dataclass

from nas_gym.pages.intervals import Band, Interval

# Told apart by colour-blind readers, too (Okabe and Ito 2008; yellow, which is pale on white, is replaced).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6A3D9A", "#555555")
DIVERGING = ("#D55E00", "#F7F7F7", "#0072B2")
"""Colours of the shades 0, 1/2 and 1 of a heat map whose middle is nothing special."""
GROWING = ("#FFFFFF", "#7FB8D8", "#0072B2")
"""Colours of the shades 0, 1/2 and 1 of a heat map that counts."""
GREY = "#5b6875"
PALE = "#9fb3c1"


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a panel.

    Attributes:
        title: What stands at it.
        form: Format of its values for readers.
        ends: First and last value, the larger one may come first; ``None`` for what fits.
        falling: Without ``ends``, whether the largest value comes first.
        may_be_logarithmic: Whether a page offers a logarithmic scale.
        logarithmic: Whether the scale is logarithmic; ``ends`` are plain values all the same.
        whole: Whether it has integers alone, each with a tick.
    """

    title: str = ""
    form: str = ".4g"
    ends: tuple[float, float] | None = None
    falling: bool = False
    may_be_logarithmic: bool = False
    logarithmic: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Means along x in their band; the band is a point at each where it is certain.

    Attributes:
        name: What stands in the legend; a line without a name says nothing of its values either.
        colour: Of line and band.
        x: Ascending.
        y: A mean for each.
        dashed: Whether it is, and says nothing of its values: a line to compare with.
        steps: Whether each value holds up to the next one.
        marked: Whether each value is a dot, too, and its interval a bar of its own instead of a band.
    """

    name: str
    colour: str
    x: Sequence[float]
    y: Band
    dashed: bool = False
    steps: bool = False
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """Points without a line.

    Attributes:
        name: What stands in the legend.
        colour: Of all.
        x: Where they are.
        y: Where they are.
        size: Diameter in pixels.
        opacity: From 0 to 1.
        meanings: What each of them is, for whoever points at it; empty for nothing.
        symbol: Shape, by Plotly's name.
    """

    name: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]
    size: float = 6
    opacity: float = 0.6
    meanings: Sequence[str] = ()
    symbol: str = "circle"


@dataclass(frozen=True, slots=True)
class Dot:
    """A value in its interval, in a row of its own."""

    name: str
    colour: str
    x: Interval


@dataclass(frozen=True, slots=True)
class Bars:
    """One part of stacked bars, a value for each row."""

    name: str
    colour: str
    x: Sequence[float]
    rows: Sequence[str]


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a heat map: its shade from 0 to 1, what stands in it, whether boldly, and what it means."""

    shade: float
    text: str
    bold: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Rows against columns of the same names; ``None`` is an empty cell.

    Attributes:
        names: Of rows and columns.
        cells: Row by row.
        colours: Of the shades 0, 1/2 and 1.
    """

    names: Sequence[str]
    cells: Sequence[Sequence[Cell | None]]
    colours: tuple[str, str, str] = DIVERGING


@dataclass(frozen=True, slots=True)
class Regions:
    """A plane coloured by kinds, the paler the less sure.

    Attributes:
        x: Middles of the columns, ascending.
        y: Middles of the rows, ascending.
        kinds: Which kind it is at each place, an index of ``colours``, row by row.
        sureness: From 0, white, to 1, likewise.
        colours: Of the kinds, when they are sure.
    """

    x: Sequence[float]
    y: Sequence[float]
    kinds: Sequence[Sequence[int]]
    sureness: Sequence[Sequence[float]]
    colours: Sequence[str]


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes with marks of one kind, the best first; points may stand among lines or on regions.

    Attributes:
        title: What stands above it.
        x: The horizontal axis.
        y: The vertical one.
        lines: Curves.
        points: Points.
        dots: Values in rows.
        bars: Stacked bars in rows.
        heat_map: Cells.
        regions: What the points stand on.
        note: What stands below it.
    """

    title: str
    x: Axis = Axis()
    y: Axis = Axis()
    lines: Sequence[Line] = ()
    points: Sequence[Points] = ()
    dots: Sequence[Dot] = ()
    bars: Sequence[Bars] = ()
    heat_map: HeatMap | None = None
    regions: Regions | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels beside each other, and what they show together."""

    title: str
    panels: Sequence[Panel]
