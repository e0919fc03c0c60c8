"""Between search and test: the networks that did best, and telling good ones from lucky ones."""

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import mean

from nas_gym.checks import integer
from nas_gym.envs.episode import Episode
from nas_gym.errors import RunFolderError
from nas_gym.evaluators.base import Evaluator
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.seeds import repeat_seeds

MIN_FINALISTS, MAX_FINALISTS = 3, 50


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
