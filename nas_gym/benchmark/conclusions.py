"""What may and what may not be concluded from a comparison, in words.

Every sentence is chosen by the intervals and counts of the comparison at hand.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from nas_gym.benchmark.findings import FEWEST_SEEDS, Findings, ranking
from nas_gym.benchmark.measures import MEASURES
from nas_gym.benchmark.runs import Limits

JUDGED_BY = {
    **{measure: f"{metric.words} of the answer" for measure, metric in MEASURES.items()},
    "children": "children up to the optimum",
}
"""What agents are compared by, in words."""


def conclude(found: Findings, limits: Limits) -> dict[str, list[str]]:
    """Return sentences about one environment.

    Returns:
        ``may``: what the data decide; ``may_not``: what they leave open, and what stands in the way.
    """
    may: list[str] = []
    may_not: list[str] = []
    for measure, pairs in found["comparisons"].items():
        may += [f"By {JUDGED_BY[measure]}: {text}" for text in _decided(pairs, ranking(found))]
        if measure == "children":  # two agents that never arrive have nothing to compare
            arrived = {agent for agent in found["agents"] if found["agents"][agent]["optimum"]["runs"]}
            pairs = [pair for pair in pairs if {pair["first"], pair["second"]} & arrived]
        may_not += [f"By {JUDGED_BY[measure]} {text}" for text in _undecided(pairs, ranking(found))]
    may += _optimum(found)
    if not may and len(found["agents"]) > 1:
        may.append("No two agents can be told apart.")
    return {"may": [*may, *_references(found)], "may_not": [*may_not, *_caveats(found, limits)]}


def conclude_together(
    findings: Mapping[str, Findings], together: Sequence[Mapping[str, Any]] | None
) -> dict[str, list[str]]:
    """Return sentences about all environments, as ``conclude`` does about one."""
    if together is None:
        (env,) = findings
        return {"may": [], "may_not": [f"Nothing is known of any environment but {env}."]}
    order = ranking(next(iter(findings.values())))
    over = f"Averaged over {len(findings)} environments"
    if len({MEASURES[found["metrics"][0]].extreme for found in findings.values()}) > 1:
        over += ", each by its own metric,"
    may = [f"{over.removesuffix(',')}: {text}" for text in _decided(together, order)]
    may_not = [f"{over} {text}" for text in _undecided(together, order)]
    winners: dict[frozenset[str], dict[str, str]] = {}
    for env, found in findings.items():
        for pair in found["comparisons"][found["metrics"][0]]:
            if pair["decided"]:
                winners.setdefault(frozenset((pair["first"], pair["second"])), {})[env] = pair["first"]
    for agents, by_env in winners.items():
        if len(set(by_env.values())) > 1:
            where = _and([f"{winner} on {env}" for env, winner in by_env.items()])
            may_not.append(f"Which of {_and(sorted(agents))} is better depends on the environment: {where}.")
    may_not.append(
        f"{len(findings)} environments are no sample of all: the intervals are about other seeds, not about "
        "other environments."
    )
    return {"may": may, "may_not": may_not}


def interval(pair: Mapping[str, Any]) -> str:
    """Return a pair's probability of improvement with its 95 % interval."""
    return f"{pair['probability']:.2f} [{pair['low']:.2f}, {pair['high']:.2f}]"


def _decided(pairs: Sequence[Mapping[str, Any]], order: Sequence[str]) -> list[str]:
    """Return a sentence for each agent that is better than others."""
    sentences = []
    by_winner: dict[str, list[Mapping[str, Any]]] = {}
    for pair in pairs:
        if pair["decided"]:
            by_winner.setdefault(pair["first"], []).append(pair)
    for agent in sorted(by_winner, key=lambda name: (-len(by_winner[name]), order.index(name))):
        beaten = sorted(by_winner[agent], key=lambda pair: order.index(pair["second"]))
        alone = len(beaten) == len(order) - 1 > 1
        names = _and([f"{p['second']} with probability {interval(p)}" for p in beaten])
        sentences.append(f"{agent} is better than {'every other agent: than ' if alone else ''}{names}.")
    return sentences


def _undecided(pairs: Sequence[Mapping[str, Any]], order: Sequence[str]) -> list[str]:
    """Return a sentence about the pairs whose order is open, or none."""
    open_pairs = [pair for pair in pairs if not pair["decided"]]
    if not open_pairs:
        return []
    nearest = max(open_pairs, key=lambda pair: (pair["low"], pair["probability"]))
    closest = f"Closest to a decision is {nearest['first']} over {nearest['second']}, {interval(nearest)}."
    if len(open_pairs) == len(pairs) > 1:
        return [f"the data decide between no two agents. {closest}"]
    groups = []
    for index, agent in enumerate(order):
        others = [
            o for o in order[index + 1 :] if any({agent, o} == {p["first"], p["second"]} for p in open_pairs)
        ]
        if others:
            groups.append(f"between {agent} and {'each of ' if len(others) > 1 else ''}{_and(others)}")
    return [f"the data do not decide {_and(groups, '; ')}. {closest}"]


def _optimum(found: Findings) -> list[str]:
    sentences = []
    for agent in ranking(found):
        reached = found["agents"][agent]["optimum"]
        if reached is None or not reached["runs"]:
            continue
        runs, median = len(found["agents"][agent]["runs"]), reached["median"]
        if median["value"] is None:
            typical = "so the median is beyond the budget"
        else:
            high = "beyond the budget" if median["high"] is None else str(median["high"])
            typical = f"the median after {median['value']} children [{median['low']}, {high}]"
        sentences.append(f"{agent} reached the optimum in {reached['runs']} of {runs} runs, {typical}.")
    return sentences


def _references(found: Findings) -> list[str]:
    """Return a sentence for each value that is known without any search."""
    metric = MEASURES[found["metrics"][0]]
    answers = [
        (metric.sign * run[metric.answer], agent)
        for agent, result in found["agents"].items()
        for run in result["runs"]
        if run["best_architecture"] is not None
    ]
    if not answers:
        return []
    best, agent = max(answers, key=lambda answer: answer[0])
    return [
        f"The {metric.extreme} {metric.words} of all runs is {metric.sign * best:{metric.form}}, by {agent}; "
        f"{name} is {value:{metric.form}}."
        for name, value in found.get("references", {}).items()
    ]


def _caveats(found: Findings, limits: Limits) -> list[str]:
    agents = found["agents"]
    seeds = len(next(iter(agents.values()))["runs"])
    caveats = []
    if seeds == 1:
        caveats.append("There is one run of each agent: every difference may be luck.")
    elif seeds < FEWEST_SEEDS:
        caveats.append(f"With {seeds} runs of each agent no difference is called decided, however large.")
    elif seeds < 10:
        caveats.append(
            f"{seeds} seeds are few: of five normal scores the 95 % interval of the mean holds the true mean "
            "in 91 % of cases, of fifty in 95 %."
        )
    for first, second in combinations(ranking(found), 2):
        if _rewards(agents[first]) == _rewards(agents[second]):
            caveats.append(
                f"{first} and {second} earned the same rewards in all runs, episode by episode: here they "
                "are the same agent."
            )
    never = [
        a for a in ranking(found) if agents[a]["optimum"] is not None and not agents[a]["optimum"]["runs"]
    ]
    if never:
        caveats.append(
            f"No run of {_and(never, last=' or ')} reached the optimum; how many children it would take is "
            "not known."
        )
    short = {a: agents[a]["ended_by"].get("episodes", 0) for a in agents} if limits.budget else {}
    short = {agent: count for agent, count in short.items() if count}
    if short:
        which = _and([f"{count} of {agent}" for agent, count in short.items()])
        caveats.append(
            f"Of {seeds} runs each, {which} ended at {limits.episodes:,} episodes, with fewer than "
            f"{limits.budget:,} distinct children. Their last answers count for the whole budget."
        )
    leaders = _leaders(found)
    if len(set(leaders.values())) > 1:
        path = _and([f"{agent} after {children}" for children, agent in leaders.items()])
        extreme = MEASURES[found["metrics"][0]].extreme
        caveats.append(f"Who leads depends on the budget: the {extreme} mean has {path} children.")
    if "test" not in found["metrics"]:
        metric = MEASURES[found["metrics"][0]]
        caveats.append(
            f"There is no table of this environment. The {metric.words} of an answer is the "
            f"{metric.extreme} of many, which luck has {'raised' if metric.sign > 0 else 'lowered'}; "
            f"{metric.words.replace('validation', 'test')} and the distance to the optimum are not known."
        )
    return caveats


def _leaders(found: Findings) -> dict[int, str]:
    """Return who has the best mean at each milestone."""
    measure, agents = found["metrics"][0], found["agents"]
    sign = MEASURES[measure].sign
    return {
        children: max(agents, key=lambda agent: sign * agents[agent]["milestones"][measure]["mean"][index])
        for index, children in enumerate(found["milestones"])
    }


def _rewards(result: Mapping[str, Any]) -> list[list[float]]:
    return [run["rewards"] for run in result["runs"]]


def _and(parts: Sequence[str], separator: str = ", ", last: str = " and ") -> str:
    if len(parts) < 2:
        return "".join(parts)
    return separator.join(parts[:-1]) + ("; and " if separator == "; " else last) + parts[-1]
