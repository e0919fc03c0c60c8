"""Which rung of a ladder tells networks apart? Random networks are trained at all of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap, kendalltau

from nas_gym.checks import integer
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.limits import refusal_of
from nas_gym.pages.intervals import Interval
from nas_gym.problems.problem import Problem
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import repeat_seeds
from nas_gym.testing import random_sentence

Values = NDArray[np.float64]
Tell = Callable[[int, int], None]
"""Is told a rung and how many trainings have ended there."""
FEWEST = 3
"""Networks and more: an order of two says nothing."""
MOST_REFUSED = 1_000
"""Draws in a row that may be refused before the limits are taken for impossible."""
AT_ONCE = 8
RESAMPLES = 2_000


@dataclass(frozen=True, slots=True)
class RungFacts:
    """What a rung costs, and how well it ranks.

    Attributes:
        rung: Its position in the ladder.
        recipe: Id of its recipe.
        data: Id of its data.
        seconds: Mean time of a training.
        tau: Kendall's rank correlation of one training here with the mean score of the full trainings, and
            its 95 % bootstrap interval over networks. At the full rung the mean is that of the others.
        between_seeds: The same between two trainings here: no rung follows better what it cannot repeat.
        failed: Trainings that failed; they rank last.
    """

    rung: int
    recipe: str
    data: str
    seconds: float
    tau: Interval
    between_seeds: float
    failed: int


def draw_networks(problem: Problem, count: int, seed: int) -> list[Architecture]:
    """Draw different networks that are neither refused nor known by another sentence.

    Raises:
        InvalidArgumentError: If there are not that many, as far as draws tell.
    """
    space, generator = problem.search_space, np.random.default_rng(seed)
    limits = problem.limits()
    drawn: dict[Architecture, Architecture] = {}
    misses = 0
    while len(drawn) < count:
        network = space.decode(random_sentence(space, generator))
        form = space.canonical(network)
        if form in drawn or refusal_of(network, limits) is not None:
            misses += 1
        else:
            drawn[form], misses = network, 0
        if misses > MOST_REFUSED:
            raise InvalidArgumentError(
                f"{count} different networks were asked for, {len(drawn)} were found: {MOST_REFUSED} "
                "draws in a row were known or refused"
            )
    return list(drawn.values())


def judge_rungs(
    problem: Problem,
    networks: Sequence[Architecture],
    seeds: int,
    evaluator: Evaluator,
    tell: Tell,
) -> Iterator[RungFacts]:
    """Train networks at every rung, the full training first, and yield what each is worth.

    Args:
        problem: Whose ladder it is; children are ranked by its reward, below the full training, and by its
            metric there.
        networks: What is trained.
        seeds: Trainings of each network at each rung, at least 2.
        evaluator: What trains; with a store nothing is trained twice.
        tell: Called at the start of each rung and after some trainings.

    Yields:
        The rungs from the full training down.

    Raises:
        InvalidArgumentError: If there are too few networks or seeds.
    """
    integer("networks", len(networks), FEWEST)
    integer("seeds", seeds, 2)
    task, reward = problem.task, problem.reward
    if task is None or reward is None:
        raise InvalidArgumentError(f"{problem.id} trains no children itself, so it has no rungs")

    def values_of(found: Sequence[Evaluation], full: bool) -> Values:
        sign = problem.metric.sign
        values = [
            -np.inf if each.score is None else sign * each.score if full else reward(each) for each in found
        ]
        return np.array(values).reshape(len(networks), seeds).T

    pairs = [(each, seed) for each in networks for seed in repeat_seeds("rungs", each, seeds)]
    last = len(task.ladder) - 1
    truth = np.empty(0)
    for rung in range(last, -1, -1):
        found: list[Evaluation] = []
        tell(rung, 0)
        for start in range(0, len(pairs), AT_ONCE):
            architectures, with_seeds = zip(*pairs[start : start + AT_ONCE], strict=True)
            found += evaluator.evaluate(architectures, with_seeds, rung)
            tell(rung, len(found))
        values = values_of(found, rung == last)
        if rung == last:
            truth = values
        taus = [
            _tau(values[k], _others(truth, k) if rung == last else truth.mean(axis=0)) for k in range(seeds)
        ]
        yield RungFacts(
            rung=rung,
            recipe=task.recipe_id(problem.search_space, rung),
            data=task.id_of(rung),
            seconds=fmean(each.seconds for each in found),
            tau=Interval(*(fmean(ends) for ends in zip(*taus, strict=True))),
            between_seeds=fmean(
                _correlation(values[one], values[other]) for one in range(seeds) for other in range(one)
            ),
            failed=sum(each.score is None for each in found),
        )


def _others(values: Values, index: int) -> Values:
    return np.asarray(np.delete(values, index, axis=0).mean(axis=0))


def _tau(one: Values, other: Values) -> tuple[float, float, float]:
    ends = bootstrap(
        (one, other),
        _correlation,
        n_resamples=RESAMPLES,
        paired=True,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return _correlation(one, other), float(ends.low), float(ends.high)


def _correlation(one: Values, other: Values) -> float:
    """Return Kendall's tau; 0 where all are equal, of which no order follows."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(kendalltau(one, other).statistic)
