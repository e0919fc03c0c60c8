"""Between search and test: telling good networks from lucky ones, on validation data."""

from collections.abc import Callable, Sequence
from statistics import mean

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator, repeat_seeds
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.tasks.evaluation import Evaluation


def confirm(
    architectures: Sequence[Architecture],
    evaluator: Evaluator,
    score: Callable[[Evaluation], float],
    seeds: int = 10,
) -> list[float]:
    """Train each network anew with several seeds and return its mean score.

    The best of thousands of single trainings is partly luck: a network that reached 98 % once may reach
    90 % on average. So the networks that a search found best compete once more before one is chosen.

    Args:
        architectures: The finalists.
        evaluator: The one of the search.
        score: How good an evaluation is, the reward of the search.
        seeds: Trainings of each; a failed one has the score 0.

    Returns:
        One mean for each architecture, in order.

    Raises:
        InvalidArgumentError: If ``seeds`` is not a positive integer.
    """
    if type(seeds) is not int or seeds < 1:
        raise InvalidArgumentError(f"seeds must be a positive integer, got {seeds!r}")
    children = [(a, seed) for a in architectures for seed in repeat_seeds("confirmation", a, seeds)]
    evaluations = evaluator.evaluate([a for a, _ in children], [seed for _, seed in children])
    scores = [score(evaluation) if evaluation.status == "ok" else 0.0 for evaluation in evaluations]
    return [mean(scores[i : i + seeds]) for i in range(0, len(scores), seeds)]
