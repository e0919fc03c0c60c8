"""What a search found, in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean, stdev

from nas_gym.envs.episode import Episode
from nas_gym.studies.climb import Climbed
from nas_gym.studies.run_folder import RunSettings, Times
from nas_gym.tasks.metric import Metric


@dataclass(frozen=True, slots=True)
class Network:
    """A network of a search, with its score and its costs.

    Attributes:
        architecture: Its text.
        score: Value of the run's metric on validation data, the mean if it was trained several times.
        parameters: Number of trained values, ``None`` if unknown.
        multiply_adds: Multiplications with a weight for one sample, ``None`` if unknown.
    """

    architecture: str
    score: float
    parameters: int | None = None
    multiply_adds: int | None = None


COSTS: dict[str, str] = {"parameters": "parameters", "multiply_adds": "multiply-adds for one sample"}
"""Costs of a ``Network``, and their names for readers."""


@dataclass(frozen=True, slots=True)
class Results:
    """Scores of one model that was trained with several seeds.

    Attributes:
        seeds: With how many.
        validation_mean: Mean on validation data.
        test_mean: Mean on test data.
        test_std: Standard deviation over seeds, 0 for one.
    """

    seeds: int
    validation_mean: float
    test_mean: float
    test_std: float

    @classmethod
    def of(cls, validation: Sequence[float], test: Sequence[float]) -> "Results":
        """Return those of a model with such scores, one a seed."""
        return cls(len(test), mean(validation), mean(test), stdev(test) if len(test) > 1 else 0.0)


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What the table of a whole search space says of the network that was chosen.

    Attributes:
        architectures: How many there are.
        rank: 1 plus the number of those that are better on validation data.
        regret: By how much it is worse than the best.
        optimum: Mean score of the best on validation data.
        test_of_optimum: Mean score of the best on test data.
    """

    architectures: int
    rank: int
    regret: float
    optimum: float
    test_of_optimum: float


@dataclass(frozen=True, slots=True)
class Choice:
    """The network that was chosen after a search.

    Attributes:
        episode: That in which it was proposed.
        candidates: Among how many.
        climbed: What came of those at the rungs between search and full training, see ``climb``; none where
            there are no such rungs.
    """

    episode: Episode
    candidates: int
    climbed: tuple[Climbed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a search found, and what came of it.

    Attributes:
        env: Id of the environment.
        agent: Name of the agent.
        seed: Its seed.
        metric: What scores are values of.
        episodes: Number of them.
        distinct_architectures: How many networks were trained, each counted once.
        illegal_episodes: Episodes that ended with an illegal token.
        failed_children: Trainings that failed.
        mean_reward_last_10_percent: Of the last tenth of the episodes.
        best_score: The best single score of the search.
        times: How long it took.
        best: The network that was chosen; its score is the one that it was rewarded for.
        pareto_front: For each cost that is known the networks that no other one beats, cheapest first.
        finalists: How many networks were candidates.
        climbed: What came of them at the rungs between search and full training, best last rung last.
        retrained: What came of training it once more, or what the table says; ``None`` if it was not.
        baselines: As ``retrained``, of scikit-learn's models.
        table: What the table says; ``None`` where children are trained.
    """

    env: str
    agent: str
    seed: int
    metric: Metric
    episodes: int
    distinct_architectures: int
    illegal_episodes: int
    failed_children: int
    mean_reward_last_10_percent: float
    best_score: float
    times: Times
    best: Network
    pareto_front: Mapping[str, Sequence[Network]]
    finalists: int
    climbed: Sequence[Climbed] = ()
    retrained: Results | None = None
    baselines: Mapping[str, Results] = field(default_factory=dict)
    table: TableFacts | None = None


def summarise(
    settings: RunSettings,
    metric: Metric,
    rows: Sequence[Episode],
    times: Times,
    choice: Choice,
) -> Summary:
    """Return the summary of a finished search, without retraining.

    Args:
        settings: What it was made with.
        metric: What its networks are judged by.
        rows: Its episodes.
        times: How long it took.
        choice: The network that was chosen.
    """
    trained = networks_of(rows, metric)
    scores = [row.scores[metric.name] for row in rows if metric.name in row.scores]
    chosen = choice.episode
    assert chosen.architecture is not None
    return Summary(
        env=settings.env,
        agent=settings.agent,
        seed=settings.seed,
        metric=metric,
        episodes=len(rows),
        distinct_architectures=len({row.architecture for row in rows} - {None}),
        illegal_episodes=sum(row.status == "illegal" for row in rows),
        failed_children=sum(row.status in ("failed", "timed_out") for row in rows),
        mean_reward_last_10_percent=last_tenth_mean([row.reward for row in rows]),
        best_score=max(scores, key=lambda score: metric.sign * score),
        times=times,
        best=Network(
            chosen.architecture, chosen.scores[metric.name], chosen.parameters, chosen.multiply_adds
        ),
        pareto_front={cost: pareto_front(trained, cost, metric) for cost in known_costs(trained)},
        finalists=choice.candidates,
        climbed=choice.climbed,
    )


def last_tenth_mean(rewards: Sequence[float]) -> float:
    """Return the mean of the last 10 % of the rewards, of at least one."""
    count = max(1, len(rewards) // 10)
    return sum(rewards[-count:]) / count


def networks_of(rows: Sequence[Episode], metric: Metric) -> list[Network]:
    """Return the networks that were trained, in the order of their first proposals."""
    trainings: dict[str, list[Episode]] = {}
    for row in rows:
        if row.status == "ok" and row.architecture is not None:
            trainings.setdefault(row.architecture, []).append(row)
    return [
        Network(
            architecture,
            mean(row.scores[metric.name] for row in same),  # exact: equal values stay equal
            same[0].parameters,
            same[0].multiply_adds,
        )
        for architecture, same in trainings.items()
    ]


def known_costs(networks: Sequence[Network]) -> list[str]:
    """Return the costs that all networks know, none if there are no networks."""
    return [cost for cost in COSTS if networks and all(getattr(each, cost) is not None for each in networks)]


def differing_costs(networks: Sequence[Network]) -> list[str]:
    """Return the costs that are known and not the same for all networks; of one network all known ones."""
    return [
        cost
        for cost in known_costs(networks)
        if len(networks) == 1 or len({getattr(each, cost) for each in networks}) > 1
    ]


def pareto_front(networks: Sequence[Network], cost: str, metric: Metric) -> list[Network]:
    """Return the networks that no other one beats, cheapest first.

    One beats another if it is as good in the metric and in cost, and better in one of them. Among equals
    the one that was proposed first stands for all.

    Args:
        networks: All of a search.
        cost: One of ``known_costs``.
        metric: What their scores are values of.
    """
    front: list[Network] = []
    for each in sorted(networks, key=lambda each: (getattr(each, cost), -metric.sign * each.score)):
        if not front or metric.is_better(each.score, front[-1].score):
            front.append(each)
    return front
