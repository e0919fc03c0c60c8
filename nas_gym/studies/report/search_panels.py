"""How the search went, as panels of a page."""

from collections.abc import Sequence

from nas_gym.pages.curves import axis_ends, reward_curve, thinned
from nas_gym.pages.intervals import Band, Interval
from nas_gym.pages.panels import COLOURS, GREY, PALE, Axis, Dot, Line, Panel, Points
from nas_gym.studies.comparison import Average, Comparison
from nas_gym.studies.report.findings import Findings
from nas_gym.studies.summary import COSTS, Network, differing_costs, networks_of, pareto_front
from nas_gym.tasks.metric import Metric

CHOSEN, MEAN, BEST = COLOURS[1], COLOURS[0], COLOURS[5]
SHORT = 90
"""Longer texts of architectures are cut where they are pointed at."""


def learning_curve(findings: Findings) -> Panel:
    """Show the reward of each architecture, their moving average and the best so far."""
    rewards = [each.reward for each in findings.episodes]
    return reward_curve(rewards, [_meaning(findings, place) for place in range(len(rewards))])


def fronts(findings: Findings) -> list[Panel]:
    """Show the metric against each cost that is known and differs, and against latency if it was measured."""
    metric = findings.metric
    networks = networks_of(findings.episodes, metric)
    panels = [
        _front(
            findings,
            networks,
            pareto_front(networks, cost, metric),
            [getattr(n, cost) for n in networks],
            title,
        )
        for cost, title in COSTS.items()
        if cost in differing_costs(networks)
    ]
    timed = [each for each in networks if each.architecture in findings.latencies]
    if len(timed) > 1:
        seconds = [1000 * findings.latencies[each.architecture] for each in timed]
        panels.append(_front(findings, timed, [], seconds, "milliseconds for one sample"))
    return panels


def climb(findings: Findings) -> Panel | None:
    """Show what the best networks of the search reached with longer trainings; ``None`` without a climb."""
    if not findings.climbed:
        return None
    metric = findings.metric
    paths = {
        each.architecture: {0: each.score}
        for each in networks_of(findings.episodes, metric)
        if each.architecture in {climbed.architecture for climbed in findings.climbed}
    }
    for each in findings.climbed:
        if each.score is not None:
            paths.setdefault(each.architecture, {})[each.rung] = each.score
    scores = [score for path in paths.values() for score in path.values()]
    others = [_path("", PALE, path) for text, path in paths.items() if text != findings.best]
    chosen = [
        _path("the network that was chosen", CHOSEN, path)
        for text, path in paths.items()
        if text == findings.best
    ]
    rungs = max(each.rung for each in findings.climbed)
    failed = sum(each.score is None for each in findings.climbed)
    failures = [f"{failed} training{'s' if failed > 1 else ''} failed."] if failed else []
    return Panel(
        "The climb: longer trainings of the best, fewer of them at each rung",
        Axis("rung; 0 is the search", ends=(-0.1, rungs + 0.1), whole=True),
        Axis(f"validation {metric.words}{_direction(metric)}", metric.form, axis_ends(scores, metric.sign)),
        lines=[*others, *chosen],
        note=" ".join([*_recipes(findings, rungs), *failures]),
    )


def contenders(compared: Comparison) -> Panel:
    """Show test results with their intervals, the best on validation data first."""
    metric = compared.metric
    dots = []
    for each in compared.ranked():
        average = compared.average(each.test_scores)
        if average.mean is not None:
            name = f"{each.name} (found)" if each.found else each.name
            dots.append(Dot(name, COLOURS[0] if each.found else COLOURS[5], _interval(average, average.mean)))
    if metric.best_possible is not None:
        best = metric.best_possible
        dots.append(Dot(metric.best_is, GREY, Interval(best, best, best)))
    return Panel(
        f"Test {metric.words}",
        Axis(f"mean{_direction(metric)}", metric.form, falling=metric.sign < 0),
        dots=dots,
        note="Bars are 95 % intervals of the mean by Student's t, over other seeds; one training has none.",
    )


def _interval(average: Average, middle: float) -> Interval:
    if average.low is None or average.high is None:
        return Interval(middle, middle, middle)
    return Interval(middle, average.low, average.high)


def _front(
    findings: Findings,
    networks: Sequence[Network],
    front: Sequence[Network],
    costs: Sequence[float],
    title: str,
) -> Panel:
    metric = findings.metric
    scores = [each.score for each in networks]
    cost_of = {each.architecture: cost for each, cost in zip(networks, costs, strict=True)}
    left, right = min(costs) / 1.15, max(costs) * 1.15
    shown = thinned(len(networks))
    points = [
        Points(
            "one architecture",
            PALE,
            [costs[place] for place in shown],
            [scores[place] for place in shown],
            meanings=[_told(networks[place], metric, costs[place]) for place in shown],
        )
    ]
    lines = []
    if front:
        x, y = [cost_of[each.architecture] for each in front], [each.score for each in front]
        lines.append(
            Line("no other one beats these", BEST, [*x, right], Band.certain([*y, y[-1]]), steps=True)
        )
        meanings = [_told(each, metric, cost) for each, cost in zip(front, x, strict=True)]
        points.append(Points("Pareto front", BEST, x, y, size=9, opacity=1, meanings=meanings))
    for each in networks:
        if each.architecture == findings.network:
            where = cost_of[each.architecture]
            told = [_told(each, metric, where)]
            name = "the chosen network"
            points.append(Points(name, CHOSEN, [where], [each.score], 14, 1, told, "star"))
    return Panel(
        f"{metric.words.capitalize()} against {title}",
        Axis(title, ".4g", (left, right), logarithmic=right > 5 * left),
        Axis(
            f"validation {metric.words}{_direction(metric)}, in the search",
            metric.form,
            axis_ends(scores, metric.sign, front[0].score if front else None),
        ),
        lines,
        points,
    )


def _path(name: str, colour: str, path: dict[int, float]) -> Line:
    rungs = sorted(path)
    return Line(name, colour, rungs, Band.certain([path[rung] for rung in rungs]), marked=True)


def _meaning(findings: Findings, place: int) -> str:
    episode = findings.episodes[place]
    text = episode.architecture or "an illegal token"
    ended = "" if episode.status in ("ok", "illegal") else f", {episode.status}"
    return f"{episode.number}: {_short(text)}, reward {episode.reward:.4g}{ended}"


def _told(network: Network, metric: Metric, cost: float) -> str:
    return f"{_short(network.architecture)}: {metric.value_text(network.score)}, {cost:,.6g}"


def _recipes(findings: Findings, highest: int) -> list[str]:
    """Return how the networks that climb were trained at each rung."""
    task, space = findings.problem.task, findings.problem.search_space
    if task is None:
        return []
    rungs = range(1, min(highest + 1, len(task.ladder)))
    return [f"Rung {rung}: {task.recipe_id(space, rung)}." for rung in rungs]


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[:SHORT]}..."


def _direction(metric: Metric) -> str:
    return "" if metric.larger_is_better else " (lower is better)"
