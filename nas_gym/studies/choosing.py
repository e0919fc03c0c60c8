"""Which network of a search is chosen: by more trainings, or by longer ones, on validation data."""

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import mean

from rich.console import Console

from nas_gym.checks import integer
from nas_gym.envs.episode import Episode
from nas_gym.errors import RunFolderError
from nas_gym.evaluators.base import Evaluator
from nas_gym.evaluators.trainers.base import AnyTask
from nas_gym.problems.problem import Problem
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.studies.climb import SHARE, climb, far_apart
from nas_gym.studies.report.words import climbing_bar, say
from nas_gym.studies.run_folder import Times
from nas_gym.studies.summary import Choice
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import repeat_seeds

MIN_FINALISTS, MAX_FINALISTS = 3, 50
CLIMBING = 8
"""Of the networks of a search one in so many climbs the ladder."""


def choose(
    problem: Problem,
    episodes: Sequence[Episode],
    evaluator: Evaluator,
    console: Console,
    times: Times,
    left: float | None,
) -> Choice:
    """Choose a network of a search.

    Args:
        problem: What was searched.
        episodes: What the search found.
        evaluator: That of the search.
        console: Where to tell of it.
        times: How long the search took.
        left: How many seconds a climb may take, ``None`` for as many as it takes.

    Raises:
        RunFolderError: If no child was trained successfully.
    """
    if problem.table is not None:
        return Choice(finalists(episodes, 1)[0], 1)
    assert problem.reward is not None and problem.task is not None
    between = range(1, len(problem.task.ladder) - 1)
    if between:
        limit = None if left is None else affordable(problem.task, between, episodes, times, left)
        return _climb(problem, episodes, evaluator, between, console, limit)
    candidates = finalists(episodes)
    say(
        console,
        f"choosing among {len(candidates)} finalists by {problem.trainings} more trainings each, "
        "on validation data",
    )
    architectures = [problem.search_space.parse(str(each.architecture)) for each in candidates]
    confirmed = confirm(architectures, evaluator, problem.reward, problem.trainings)
    best = max(range(len(candidates)), key=confirmed.__getitem__)
    return Choice(candidates[best], len(candidates))


def affordable(task: AnyTask, rungs: range, episodes: Sequence[Episode], times: Times, left: float) -> int:
    """Return how many networks can climb in a time, as far as the children of the search tell."""
    trained = max(1, len({each.architecture for each in episodes if each.status == "ok"}))
    seconds = times.evaluation_seconds / trained / task.effort(0)
    cost = sum(seconds * task.effort(rung) / SHARE**above for above, rung in enumerate(rungs))
    return max(1, int(left / max(cost, 1e-9)))


def _climb(
    problem: Problem,
    episodes: Sequence[Episode],
    evaluator: Evaluator,
    rungs: range,
    console: Console,
    limit: int | None,
) -> Choice:
    """Let the best networks climb the ladder, and choose the best below the full training."""
    assert problem.reward is not None and problem.task is not None
    found = {str(each.architecture): each for each in finalists(episodes, len(episodes))}
    count = max(MIN_FINALISTS, min(MAX_FINALISTS, len(found) // CLIMBING))
    if limit is not None:
        count = min(count, limit)
    space = problem.search_space
    architectures = far_apart([space.parse(text) for text in found], count, space.canonical)
    for rung in rungs:
        how, data = problem.task.recipe_id(space, rung), problem.task.data_of(rung)
        say(console, f"rung {rung}: {how} on {data.id}")
    with climbing_bar(console, problem.metric) as tell:
        climbed = climb(architectures, rungs, evaluator, problem.reward, tell)
    best = [each for each in climbed if each.rung == rungs[-1] and each.score is not None]
    chosen = best[0].architecture if best else str(architectures[0])
    return Choice(found[chosen], len(architectures), tuple(climbed))


def finalists(rows: Sequence[Episode], count: int | None = None) -> list[Episode]:
    """Return one episode each of the networks that did best.

    Highest reward first, which is what was searched for; among equals the one that was proposed most often,
    then the one with fewest parameters, then the one that was proposed first.

    Args:
        rows: All episodes of a search.
        count: Largest number of finalists; by default a hundredth of the episodes, but at least
            ``MIN_FINALISTS`` and at most ``MAX_FINALISTS``.

    Raises:
        RunFolderError: If no child was trained successfully.
    """
    if count is None:
        count = max(MIN_FINALISTS, min(MAX_FINALISTS, len(rows) // 100))
    proposals = Counter(row.architecture for row in rows)
    trained = {row.architecture: row for row in reversed(rows) if row.status == "ok"}
    if not trained:
        reason = next((f"; {row.reason}" for row in rows if row.reason), "")
        raise RunFolderError(
            f"none of {len(rows)} episodes ended with a trained network, there is no best one{reason}"
        )

    def rank(row: Episode) -> tuple[float, int, int, int]:
        return -row.reward, -proposals[row.architecture], row.parameters or 0, row.number

    return sorted(trained.values(), key=rank)[:count]


def confirm(
    architectures: Sequence[Architecture],
    evaluator: Evaluator,
    reward: Callable[[Evaluation], float],
    seeds: int = 10,
) -> list[float]:
    """Train each network anew with several seeds and return its mean reward.

    The best of thousands of single trainings is partly luck: a network that reached 98 % once may reach
    90 % on average. So the networks that a search found best compete once more before one is chosen.

    Args:
        architectures: The finalists.
        evaluator: The one of the search.
        reward: How good an evaluation is, the one of the search.
        seeds: Trainings of each; a failed one has the reward 0.

    Returns:
        One mean for each architecture, in order.

    Raises:
        InvalidArgumentError: If ``seeds`` is not a positive integer.
    """
    seeds = integer("seeds", seeds, 1)
    children = [(a, seed) for a in architectures for seed in repeat_seeds("confirmation", a, seeds)]
    evaluations = evaluator.evaluate([a for a, _ in children], [seed for _, seed in children])
    rewards = [reward(evaluation) if evaluation.status == "ok" else 0.0 for evaluation in evaluations]
    return [mean(rewards[i : i + seeds]) for i in range(0, len(rewards), seeds)]
