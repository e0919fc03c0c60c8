"""What may and what may not be concluded from a benchmark, in words.

Every sentence is chosen by the intervals and counts of the findings at hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from nas_gym.benchmark.findings import FEWEST_SEEDS, Findings, Measure, Pair
from nas_gym.benchmark.runs import Limits


@dataclass(frozen=True, slots=True)
class Conclusions:
    """Sentences: what the data decide; what they leave open, and what stands in the way."""

    may: Sequence[str]
    may_not: Sequence[str]


def conclude(found: Findings, limits: Limits) -> Conclusions:
    """Return sentences about one environment."""
    may: list[str] = []
    may_not: list[str] = []
    for measure, pairs in found.comparisons.items():
        by, order = f"By {judged_by(found, measure)}", found.ranking
        may += [f"{by}: {text}" for text in _decided(pairs, order)]
        if measure == "children":  # two agents that never arrive have nothing to compare
            arrived = {agent for agent in found.agents if _arrived(found, agent)}
            pairs = [pair for pair in pairs if {pair.first, pair.second} & arrived]
        may_not += [f"{by} {text}" for text in _undecided(pairs, order)]
    may += _optimum(found)
    if not may and len(found.agents) > 1:
        may.append("No two agents can be told apart.")
    return Conclusions([*may, *_best_possible(found)], [*may_not, *_caveats(found, limits)])


def conclude_together(findings: Mapping[str, Findings], together: Sequence[Pair] | None) -> Conclusions:
    """Return sentences about all environments.

    Args:
        findings: Those of each environment.
        together: What ``find_together`` returns.
    """
    if together is None:
        (env,) = findings
        return Conclusions([], [f"Nothing is known of any environment but {env}."])
    order = next(iter(findings.values())).ranking
    over = f"Averaged over {len(findings)} environments"
    if len({found.metric.name for found in findings.values()}) > 1:
        over += ", each by its own metric,"
    may = [f"{over.removesuffix(',')}: {text}" for text in _decided(together, order)]
    may_not = [f"{over} {text}" for text in _undecided(together, order)]
    winners: dict[frozenset[str], dict[str, str]] = {}
    for env, found in findings.items():
        for pair in found.comparisons[found.parts[0]]:
            if pair.decided:
                winners.setdefault(frozenset((pair.first, pair.second)), {})[env] = pair.first
    for agents, by_env in winners.items():
        if len(set(by_env.values())) > 1:
            where = _and([f"{winner} on {env}" for env, winner in by_env.items()])
            may_not.append(f"Which of {_and(sorted(agents))} is better depends on the environment: {where}.")
    may_not.append(
        f"{len(findings)} environments are no sample of all: the intervals are about other seeds, not about "
        "other environments."
    )
    return Conclusions(may, may_not)


def judged_by(found: Findings, measure: Measure) -> str:
    """Return what agents are compared by."""
    return found.words(measure) + ("" if measure == "children" else " of the answer")


def _arrived(found: Findings, agent: str) -> int:
    """Return how many runs of an agent are known to have reached the optimum."""
    optimum = found.agents[agent].optimum
    return 0 if optimum is None else optimum.runs


def _interval(pair: Pair) -> str:
    p = pair.probability
    return f"{p.value:.2f} [{p.low:.2f}, {p.high:.2f}]"


def _decided(pairs: Sequence[Pair], order: Sequence[str]) -> list[str]:
    """Return a sentence for each agent that is better than others."""
    sentences = []
    by_winner: dict[str, list[Pair]] = {}
    for pair in pairs:
        if pair.decided:
            by_winner.setdefault(pair.first, []).append(pair)
    for agent in sorted(by_winner, key=lambda name: (-len(by_winner[name]), order.index(name))):
        beaten = sorted(by_winner[agent], key=lambda pair: order.index(pair.second))
        alone = len(beaten) == len(order) - 1 > 1
        names = _and([f"{pair.second} with probability {_interval(pair)}" for pair in beaten])
        sentences.append(f"{agent} is better than {'every other agent: than ' if alone else ''}{names}.")
    return sentences


def _undecided(pairs: Sequence[Pair], order: Sequence[str]) -> list[str]:
    """Return a sentence about the pairs whose order is open, or none."""
    open_pairs = [pair for pair in pairs if not pair.decided]
    if not open_pairs:
        return []
    nearest = max(open_pairs, key=lambda pair: (pair.probability.low, pair.probability.value))
    closest = f"Closest to a decision is {nearest.first} over {nearest.second}, {_interval(nearest)}."
    if len(open_pairs) == len(pairs) > 1:
        return [f"the data decide between no two agents. {closest}"]
    names = [{pair.first, pair.second} for pair in open_pairs]
    groups = []
    for index, agent in enumerate(order):
        others = [other for other in order[index + 1 :] if {agent, other} in names]
        if others:
            groups.append(f"between {agent} and {'each of ' if len(others) > 1 else ''}{_and(others)}")
    return [f"the data do not decide {_and(groups, '; ')}. {closest}"]


def _optimum(found: Findings) -> list[str]:
    sentences = []
    for agent in found.ranking:
        optimum = found.agents[agent].optimum
        if optimum is None or not optimum.runs:
            continue
        median = optimum.median
        if median.value is None:
            typical = "so the median is beyond the budget"
        else:
            high = "beyond the budget" if median.high is None else str(median.high)
            typical = f"the median after {median.value} children [{median.low}, {high}]"
        sentences.append(f"{agent} reached the optimum in {optimum.runs} of {found.seeds} runs, {typical}.")
    return sentences


def _best_possible(found: Findings) -> list[str]:
    """Return a sentence about what is known without any search, or none."""
    metric = found.metric
    answers = [
        (metric.sign * run.validation_score, agent)
        for agent, result in found.agents.items()
        for run in result.runs
        if run.best_architecture is not None
    ]
    if not answers or metric.best_possible is None:
        return []
    best, agent = max(answers, key=lambda answer: answer[0])
    return [
        f"The {metric.extreme} {found.words('validation')} of all runs is "
        f"{metric.value_text(metric.sign * best)}, by {agent}; "
        f"{metric.best_is} is {metric.value_text(metric.best_possible)}."
    ]


def _caveats(found: Findings, limits: Limits) -> list[str]:
    order, seeds, metric = found.ranking, found.seeds, found.metric
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
    rewards = {agent: [list(run.rewards) for run in result.runs] for agent, result in found.agents.items()}
    for first, second in combinations(order, 2):
        if rewards[first] == rewards[second]:
            caveats.append(
                f"{first} and {second} earned the same rewards in all runs, episode by episode: here they "
                "are the same agent."
            )
    never = [agent for agent in order if not _arrived(found, agent)]
    if never and "children" in found.comparisons:
        caveats.append(
            f"No run of {_and(never, last=' or ')} reached the optimum; how many children it would take is "
            "not known."
        )
    short = {agent: result.ended_by("episodes") for agent, result in found.agents.items()}
    if limits.budget and any(short.values()):
        which = _and([f"{count} of {agent}" for agent, count in short.items() if count])
        caveats.append(
            f"Of {seeds} runs each, {which} ended at {limits.episodes:,} episodes, with fewer than "
            f"{limits.budget:,} distinct children. Their last answers count for the whole budget."
        )
    leaders = _leaders(found)
    if len(set(leaders.values())) > 1:
        path = _and([f"{agent} after {children}" for children, agent in leaders.items()])
        caveats.append(f"Who leads depends on the budget: the {metric.extreme} mean has {path} children.")
    if "test" not in found.parts:
        caveats.append(
            f"There is no table of this environment. The {found.words('validation')} of an answer is the "
            f"{metric.extreme} of many, which luck has {'raised' if metric.sign > 0 else 'lowered'}; "
            f"{found.words('test')} and the distance to the optimum are not known."
        )
    return caveats


def _leaders(found: Findings) -> dict[int, str]:
    """Return who has the best mean at each milestone."""
    means = {agent: result.milestones[found.parts[0]].mean for agent, result in found.agents.items()}
    return {
        children: max(means, key=lambda agent: found.metric.sign * means[agent][index])
        for index, children in enumerate(found.milestones)
    }


def _and(parts: Sequence[str], separator: str = ", ", last: str = " and ") -> str:
    if len(parts) < 2:
        return "".join(parts)
    return separator.join(parts[:-1]) + ("; and " if separator == "; " else last) + parts[-1]
