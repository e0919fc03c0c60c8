"""What would more workers bring, and not to wait for the slowest? Searches on a table in virtual time."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch

from nas_gym.command_line import SAME_COMMAND, run
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.evaluators.remembered.cached import CachedEvaluator
from nas_gym.evaluators.remembered.simulated import SimulatedEvaluator
from nas_gym.problems.problem import Problem
from nas_gym.problems.registration import problem

RESAMPLES = 2000
CONFIDENCE = 95.0


@dataclass(frozen=True)
class Arguments:
    """Which searches, and on what."""

    workers: tuple[int, ...] = (8, 64, 256, 1000)
    """numbers of simulated workers"""
    orders: tuple[str, ...] = ("batch", "arrival", "submission")
    """in which order episodes are learned"""
    agents: tuple[str, ...] = ("reinforce", "regularized_evolution", "random_search")
    """who searches, a name of agents.AGENTS or of agents.REINFORCE_FORMS"""
    seeds: int = 20
    """searches of each kind"""
    episodes: int = 20_000
    """after which a search ends that has not found the best network"""
    whole: bool = False
    """whether a search goes on when it has found the best network"""
    target: float = 0.943
    """mean test accuracy of the answers that is waited for"""
    env: str = "NAS-Bench-201-v0"
    """environment with a table"""
    seconds: float = 10.0
    """median of the training times, which are lognormal"""
    sigma: float = 0.5
    """standard deviation of their logarithm"""
    episodes_per_update: int = 10
    """where lanes do not wait for one another"""
    deaths: float = 0.0
    """share of tries in which a worker dies"""
    node_seconds: float | None = None
    """mean lifetime of a node of eight workers; by default nodes stay"""
    start_seconds: float = 0.0
    """how long a worker takes to start"""
    out: Path = Path("runs/workers.json")
    """file of all searches; what it holds already is not played again"""


@dataclass(frozen=True)
class Search:
    """What came of one search.

    Attributes:
        agent: Who searched.
        order: How it learned.
        workers: How many there were.
        seed: That of agent and machines.
        times: When it had a new answer, in virtual seconds.
        tests: The test scores of the answers.
        end: When it ended, by finding the best network or by its number of episodes.
        busy: Share of worker time in which workers worked, up to then.
        useful: The same without the tries that came to nothing.
        failed: Children that failed, as all their tries had.
        children: Distinct ones.
        cpu_milliseconds: Of this process, for each drawn episode: what leading the search takes.
    """

    agent: str
    order: str
    workers: int
    seed: int
    times: Sequence[float]
    tests: Sequence[float]
    end: float
    busy: float
    useful: float
    failed: int
    children: int
    cpu_milliseconds: float


def play(arguments: Arguments, agent: str, order: str, workers: int, seed: int) -> Search:
    """Play one search until it has found the best network."""
    from agents import (  # here, where a foreign package of that name is told in one line
        REINFORCE_FORMS,
        make_agent,
    )

    machines = {
        "workers": workers,
        "seconds": arguments.seconds,
        "sigma": arguments.sigma,
        "deaths": arguments.deaths,
        "node_seconds": arguments.node_seconds,
        "start_seconds": arguments.start_seconds,
        "seed": seed,
    }
    made = problem(arguments.env, workers=machines)
    assert made.table is not None
    part = arguments.episodes_per_update
    # Enough for all workers: while an update is waited for, so many children are under way.
    lanes = {"batch": workers, "arrival": workers + part, "submission": 4 * workers}[order]
    keywords: dict[str, Any] = {} if order == "batch" else {"episodes_per_update": part}
    with closing(RecordEvaluations(made.make_vector_env(lanes))) as env:
        cached = env.unwrapped.evaluator  # type: ignore[attr-defined]
        assert isinstance(cached, CachedEvaluator) and isinstance(cached.evaluator, SimulatedEvaluator)
        pool = cached.evaluator.pool
        best, read = 0.0, 0
        reading = (0.0, 0.0, 0.0)

        def is_missing_something(searching: Any) -> bool:  # noqa: ANN401, whatever the agent is
            nonlocal best, read, reading
            scores = [e.scores.get(made.metric.name, 0.0) for e in env.episodes[read:]]
            best, read = max([best, *scores]), len(env.episodes)
            left = arguments.episodes - searching.num_architectures
            if reading[0] == 0.0 or left > lanes:  # the last children leave workers idle
                reading = pool.now, pool.busy_seconds, pool.busy_seconds - pool.lost_seconds
            assert made.table is not None
            return arguments.whole or best < made.table.optimum

        searching = make_agent(REINFORCE_FORMS.get(agent, agent), env, seed)
        begun = process_time()
        searching.learn(arguments.episodes, callback=is_missing_something, order=order, **keywords)
        taken = process_time() - begun
        drawn = searching.num_architectures + (0 if order == "batch" else lanes - part)
        times, tests = answers(made, env)
        now, busy, useful = reading
        return Search(
            agent,
            order,
            workers,
            seed,
            times,
            tests,
            pool.now,
            busy / (workers * now),
            useful / (workers * now),
            sum(e.status == "failed" for e in env.episodes),
            len({e.architecture for e in env.episodes}),
            1000 * taken / drawn,
        )


def answers(made: Problem, env: RecordEvaluations) -> tuple[list[float], list[float]]:
    """Return when there was a new answer, the best so far on validation data, and what it is worth."""
    assert made.table is not None
    times: list[float] = []
    tests: list[float] = []
    best = -np.inf
    for episode in env.episodes:
        score = episode.scores.get(made.metric.name, -np.inf)
        if score > best and episode.architecture is not None and episode.simulated_seconds is not None:
            best = score
            times.append(episode.simulated_seconds)
            tests.append(made.table.test_score(made.search_space.parse(episode.architecture)))
    return times, tests


def time_to(searches: Sequence[Search], target: float) -> float:
    """Return when the mean of the answers' test scores is a target for good; infinite if never."""
    events = sorted(
        (time, index, test)
        for index, search in enumerate(searches)
        for time, test in zip(search.times, search.tests, strict=True)
    )
    current = np.zeros(len(searches))
    reached = np.inf
    for time, index, test in events:
        current[index] = test
        if current.mean() < target:
            reached = np.inf
        elif np.isinf(reached):
            reached = time
    return float(reached)


def cell(searches: Sequence[Search], target: float) -> str:
    """Return a cell of the table: the share of busy workers, and the time with its interval."""
    generator = np.random.default_rng(0)
    draws = generator.integers(len(searches), size=(RESAMPLES, len(searches)))
    times = [time_to([searches[i] for i in draw], target) for draw in draws.tolist()]
    low, high = np.percentile(times, [50 - CONFIDENCE / 2, 50 + CONFIDENCE / 2], method="nearest")
    busy, useful = (np.mean([getattr(s, name) for s in searches]) for name in ("busy", "useful"))
    share = f"{busy:.2f}" if useful == busy else f"{busy:.2f} ({useful:.2f} useful)"
    return f"{share} / {in_seconds(time_to(searches, target))} [{in_seconds(low)}, {in_seconds(high)}]"


def cpu_cell(searches: Sequence[Search]) -> str:
    """Return what leading a search took: the least is that of a machine that had nothing else to do."""
    taken = [search.cpu_milliseconds for search in searches]
    return f"{np.median(taken):.1f} ({min(taken):.1f})"


def in_seconds(time: float) -> str:
    """Return a time, or that it never came."""
    return f"{time:.0f}" if np.isfinite(time) else "-"


def all_searches(arguments: Arguments, known: Sequence[Search]) -> Iterator[Search]:
    """Yield the searches that are asked for and not known."""
    done = {(s.agent, s.order, s.workers, s.seed) for s in known}
    for seed in range(arguments.seeds):
        for workers in arguments.workers:
            for agent in arguments.agents:
                for order in arguments.orders:
                    if (agent, order, workers, seed) not in done:
                        yield play(arguments, agent, order, workers, seed)


def main(arguments: Arguments) -> int:
    """Play all searches and print the table."""
    torch.set_num_threads(1)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    known = []
    if arguments.out.exists():
        known = [Search(**each) for each in map(json.loads, arguments.out.read_text().splitlines())]
    with arguments.out.open("a") as file:
        for search in all_searches(arguments, known):
            known.append(search)
            file.write(json.dumps(asdict(search)) + "\n")
            file.flush()
    print_table(arguments, known, lambda searches: cell(searches, arguments.target))
    print("\nCPU milliseconds of an episode, medians and least:")
    print_table(arguments, known, cpu_cell)
    return 0


def print_table(
    arguments: Arguments, known: Sequence[Search], write: Callable[[Sequence[Search]], str]
) -> None:
    """Print a row for each agent and order, a column for each number of workers."""
    print(f"| agent, order | {' | '.join(f'{workers:,} workers' for workers in arguments.workers)} |")
    print(f"|---|{'---|' * len(arguments.workers)}")
    for agent in arguments.agents:
        for order in arguments.orders:
            cells = []
            for workers in arguments.workers:
                of_cell = [s for s in known if (s.agent, s.order, s.workers) == (agent, order, workers)]
                cells.append(write(of_cell))
            print(f"| {agent}, {order} | {' | '.join(cells)} |")


if __name__ == "__main__":
    run(Arguments, main, __doc__, SAME_COMMAND)
