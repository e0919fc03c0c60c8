"""Between search and full training: the best networks climb the ladder, fewer of them at each rung."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nas_gym.evaluators.base import Evaluator
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation

SHARE = 3
"""Of the networks of a rung one in so many climbs to the next."""
AT_ONCE = 4
"""Networks of a call: enough for several workers, and few are lost with a program that is killed."""


@dataclass(frozen=True, slots=True)
class Climbed:
    """What came of one network at one rung.

    Attributes:
        rung: The rung.
        architecture: The network's text.
        reward: What it earned there; 0 if its training failed.
        score: Its score there, ``None`` if its training failed.
        seconds: Time that its training took.
    """

    rung: int
    architecture: str
    reward: float
    score: float | None
    seconds: float


def climb(
    architectures: Sequence[Architecture],
    rungs: range,
    evaluator: Evaluator,
    reward: Callable[[Evaluation], float],
    tell: Callable[[int, Sequence[Climbed], int], None],
) -> list[Climbed]:
    """Train networks at one rung after the other, the best third of them going on.

    Successive halving: Jamieson & Talwalkar 2016, https://arxiv.org/abs/1502.07943; with thirds, as in Li et
    al. 2018 (Hyperband), https://arxiv.org/abs/1603.06560. Deterministic: seeds follow from the networks, and
    what an evaluator with a store has trained already is not trained again.

    Args:
        architectures: Those that climb to the first of the rungs, the best first: it wins ties.
        rungs: Positions in the task's ladder, ascending.
        evaluator: That of the search.
        reward: How good an evaluation is, that of the search.
        tell: Called at the start of each rung and after some trainings, with the rung, what has ended there,
            and how many there will be.

    Returns:
        Every training, those of the highest rung last, and within a rung the best first.
    """
    everything: list[Climbed] = []
    contenders = list(architectures)
    for rung in rungs:
        done: list[Climbed] = []
        tell(rung, done, len(contenders))
        for start in range(0, len(contenders), AT_ONCE):
            for found in evaluator.evaluate(contenders[start : start + AT_ONCE], None, rung):
                earned = reward(found) if found.status == "ok" else 0.0
                done.append(Climbed(rung, str(found.architecture), earned, found.score, found.seconds))
            tell(rung, done, len(contenders))
        # A reward may be negative: what failed comes last all the same.
        order = sorted(range(len(done)), key=lambda index: (done[index].score is None, -done[index].reward))
        everything += [done[index] for index in order]
        contenders = [contenders[index] for index in order[: max(1, len(order) // SHARE)]]
    return everything


def far_apart(
    architectures: Sequence[Architecture],
    count: int,
    canonical: Callable[[Architecture], Architecture] = lambda each: each,
) -> list[Architecture]:
    """Return the first so many networks of which no two differ by a single token or mean the same.

    Neighbours mostly differ by luck alone: one of them stands for all. If there are too few others, the next
    come after all.

    Args:
        architectures: The best first.
        count: How many to return, if there are that many.
        canonical: Returns what stands for all that mean the same network.
    """
    forms = {each: canonical(each) for each in architectures}
    chosen: list[Architecture] = []
    for each in architectures:
        pairs = [pair for other in chosen for pair in ((each, other), (forms[each], forms[other]))]
        if all(_differences(*pair) > 1 for pair in pairs):
            chosen.append(each)
    others = [each for each in architectures if each not in chosen]
    return [*chosen, *others][:count]


def _differences(one: Architecture, other: Architecture) -> int:
    """Return in how many places two sentences differ; one that goes on counts for each token more."""
    pairs = zip(one.tokens, other.tokens, strict=False)
    longer = abs(len(one.tokens) - len(other.tokens))
    return sum(first != second for first, second in pairs) + longer
