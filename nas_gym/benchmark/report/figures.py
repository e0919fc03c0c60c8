"""What the figures of a benchmark show, as plain data."""

from collections.abc import Mapping

import numpy as np

from nas_gym.benchmark.findings import Findings, Measure
from nas_gym.benchmark.runs import Part
from nas_gym.pages.intervals import Band
from nas_gym.pages.panels import COLOURS, GREY, Axis, Bars, Cell, Dot, Figure, HeatMap, Line, Panel

HOURS = 2
"""Virtual times up to this many are drawn in minutes."""


def figures(found: Findings) -> dict[str, Figure]:
    """Return the figures of one environment by their names."""
    drawn = {
        "curves": Figure(
            "mean of the best so far, 95 % bands", [_best_so_far(found, part) for part in found.parts]
        ),
        "intervals": Figure(
            "final answers, interquartile means with 95 % intervals",
            [_answers(found, part) for part in found.parts],
        ),
        "improvement": Figure(
            "probability that the row's agent beats the column's",
            [_improvement(found, measure) for measure in found.comparisons],
        ),
        "rewards": Figure("mean reward, 95 % bands", [_rewards(found)]),
        "seconds": Figure("mean seconds of a run", [_seconds(found)]),
    }
    if all(result.in_time is not None for result in found.agents.values()):
        drawn["hours"] = Figure("virtual time of simulated workers, 95 % bands", _in_time(found))
    if "test" in found.parts:
        drawn["optimum"] = Figure("runs that reached the optimum, 95 % bands", [_arrivals(found)])
    return drawn


def curve_ends(found: Findings, part: Part) -> tuple[float, float]:
    """Return both ends of the axis, the better one last, that shows how curves end.

    The steep start is cut off. The best possible value is within the range if it is as near to the best of
    the curves as their start: farther away it would press all curves together.
    """
    sign, bands = found.metric.sign, [result.curves[part] for result in found.agents.values()]
    early = max(0, int(np.searchsorted(found.children, 0.04 * found.children[-1])) - 1)
    low = min(sign * band.mean[early] for band in bands)
    high = max(sign * value for band in bands for value in (band.high if sign > 0 else band.low))
    best_possible = found.metric.best_possible
    if best_possible is not None and sign * best_possible < high + (high - low):
        high = max(high, sign * best_possible)
    margin = 0.04 * max(high - low, 1e-3)
    return sign * (low - margin), sign * (high + margin)


def _colours(found: Findings) -> Mapping[str, str]:
    """Return each agent's colour, the same in all figures, the best agent first."""
    names = list(found.agents)
    return {agent: COLOURS[names.index(agent) % len(COLOURS)] for agent in found.ranking}


def _direction(found: Findings) -> str:
    return "" if found.metric.larger_is_better else " (lower is better)"


def _best_so_far(found: Findings, part: Part) -> Panel:
    metric, children = found.metric, found.children
    lines = [
        Line(name, colour, children, found.agents[name].curves[part])
        for name, colour in _colours(found).items()
    ]
    if metric.best_possible is not None:
        name, ends = (
            f"{metric.best_is}: {metric.value_text(metric.best_possible)}",
            [metric.best_possible] * 2,
        )
        lines.append(Line(name, GREY, [children[0], children[-1]], Band(ends, ends, ends), dashed=True))
    return Panel(
        f"Best so far: {found.words(part)}",
        Axis("distinct children trained", may_be_logarithmic=True),
        Axis(found.words(part) + _direction(found), metric.form, curve_ends(found, part)),
        lines,
    )


def _arrivals(found: Findings) -> Panel:
    lines = [
        Line(agent, colour, found.children, optimum.curve)
        for agent, colour in _colours(found).items()
        if (optimum := found.agents[agent].optimum) is not None
    ]
    return Panel(
        "Runs that have reached the optimum",
        Axis("distinct children trained", may_be_logarithmic=True),
        Axis("runs that reached the optimum", ".0%", (-0.02, 1.02)),
        lines,
    )


def _rewards(found: Findings) -> Panel:
    curves = {agent: found.agents[agent].rewards for agent in found.ranking}
    # The first sentences of agents without masks earn -1; all else would be squeezed into a stripe.
    low, high = np.quantile(np.concatenate([c.rewards.mean for c in curves.values()]), [0.05, 1.0]).tolist()
    margin = 0.1 * max(high - low, 1e-3)
    lines = [
        Line(agent, colour, curves[agent].episodes, curves[agent].rewards)
        for agent, colour in _colours(found).items()
    ]
    return Panel(
        "Reward against architectures",
        Axis("architectures proposed"),
        Axis(f"reward, mean of the last {found.reward_window}", ".4g", (low - margin, high + margin)),
        lines,
        note="Up to the end of each agent's shortest run.",
    )


def _in_time(found: Findings) -> list[Panel]:
    """Show rewards and busy workers over virtual hours."""
    colours = _colours(found)
    curves = {agent: curve for agent in colours if (curve := found.agents[agent].in_time) is not None}
    low, high = np.quantile(np.concatenate([c.rewards.mean for c in curves.values()]), [0.05, 1.0]).tolist()
    margin = 0.1 * max(high - low, 1e-3)
    unit, factor = ("hours", 1) if max(c.hours[-1] for c in curves.values()) > HOURS else ("minutes", 60)
    in_unit = {name: [factor * hour for hour in curve.hours] for name, curve in curves.items()}
    time = Axis(f"virtual {unit}")
    note = "Up to the end of each agent's shortest run."
    return [
        Panel(
            "Reward against virtual time",
            time,
            Axis(f"reward, mean of the last {found.reward_window}", ".4g", (low - margin, high + margin)),
            [Line(name, colours[name], in_unit[name], curve.rewards) for name, curve in curves.items()],
            note=note,
        ),
        Panel(
            "Workers that work",
            time,
            Axis("share of worker time so far", ".0%", (-0.02, 1.02)),
            [Line(name, colours[name], in_unit[name], curve.busy) for name, curve in curves.items()],
            note=note,
        ),
    ]


def _answers(found: Findings, part: Part) -> Panel:
    middle = {agent: found.agents[agent].interquartile_means[part] for agent in found.ranking}
    return Panel(
        f"Final answers: {found.words(part)}",
        Axis(f"interquartile mean{_direction(found)}", found.metric.form, falling=found.metric.sign < 0),
        dots=[Dot(agent, colour, middle[agent]) for agent, colour in _colours(found).items()],
    )


def _improvement(found: Findings, measure: Measure) -> Panel:
    order = found.ranking
    cells: list[list[Cell | None]] = [[None] * len(order) for _ in order]
    for pair in found.comparisons[measure]:
        p, first, second = pair.probability, order.index(pair.first), order.index(pair.second)
        meaning = (
            f"{pair.first} beats {pair.second} with probability {p.value:.3f} [{p.low:.3f}, {p.high:.3f}], "
            f"{'decided' if pair.decided else 'not decided'}"
        )
        for row, column, value in ((first, second, p.value), (second, first, 1 - p.value)):
            shade = value if pair.decided else 0.5 + (value - 0.5) / 4
            cells[row][column] = Cell(shade, f"{value:.2f}", pair.decided, meaning)
    return Panel(
        f"Row beats column, by {found.words(measure)}",
        heat_map=HeatMap(order, cells),
        note="Bold: decided; pale: not decided. Hover for intervals.",
    )


def _seconds(found: Findings) -> Panel:
    means = {agent: found.agents[agent].means for agent in found.ranking}
    bars = [
        Bars(title, COLOURS[colour], [known[name].value for known in means.values()], found.ranking)
        for name, title, colour in (
            ("training_seconds", "inside training, or looking up", 0),
            ("agent_seconds", "outside: the agent", 5),
        )
    ]
    return Panel("Where the time goes", Axis("mean seconds of a run", ".2f"), bars=bars)
