"""Measure speed: children and environment steps a second, a search on a table, recurrent cells."""

import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import joblib
import numpy as np
import rich.table
import torch
from cell_speed import BATCH, TIME, VOCABULARY, measure_cells
from pool_start import measure_pool_start
from rich.console import Console

from nas_gym import problem
from nas_gym.command_line import run
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.files import write_json
from nas_gym.memory.tables.table import Table
from nas_gym.search_spaces import Architecture, NasBench201Space
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.testing import random_sentence

TABLE_LANES = 256
CELL_UNITS = (32, 64, 128)


@dataclass
class Args:
    """How much to measure, and where to write."""

    children: int = 2000
    """Children that the fused evaluator trains."""
    local_children: int = 40
    """How many of them the local evaluator trains."""
    image_children: int = 32
    """Convolutional networks that one process trains on digits, then worker processes on all cores."""
    steps: int = 200_000
    """Environment steps of each measurement."""
    lanes: int = 1024
    """Environments in the vector environment."""
    cell_rounds: int = 20
    """Training steps of each recurrent language model; the median counts."""
    pool_rounds: int = 3
    """Starts of worker processes; the median counts."""
    out: Path = Path("runs/benchmark_speed.json")
    """File for the results."""


class InstantEvaluator(Evaluator):
    """Gives every child the same accuracy, to measure the environment alone."""

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Return made-up evaluations."""
        return [Evaluation(a, "none", "none", 0, "ok", {"accuracy": 0.5}, 1) for a in architectures]


def main(args: Args) -> int:
    """Measure everything once, print a table and write it as JSON."""
    counts = (args.children, args.local_children, args.image_children, args.steps, args.lanes)
    if min(*counts, args.cell_rounds, args.pool_rounds) < 1:
        raise InvalidArgumentError("children of all kinds, steps, lanes and rounds must be at least 1")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # the faster setting of local for networks this small
    fused, local = measure_children(args.children, args.local_children)
    image_local, image_start, image_workers = measure_images(args.image_children)
    single, vector = measure_single(args.steps), measure_vector(args.steps, args.lanes)
    results = {
        "processor": platform.processor() or platform.machine(),
        "cores": joblib.cpu_count(),
        "fused_children_per_second": fused,
        "local_children_per_second": local,
        "fused_over_local": fused / local,
        "image_children": args.image_children,
        "image_local_seconds": image_local,
        "image_workers_start_seconds": image_start,
        "image_workers_seconds": image_workers,
        "image_workers_over_local": image_workers / image_local,
        "single_steps_per_second": single,
        "vector_steps_per_second": vector,
        "vector_lanes": args.lanes,
        "table_steps_per_second": measure_table(args.steps, TABLE_LANES),
        "table_lanes": TABLE_LANES,
        "reinforce_500_cells_seconds": measure_search(500),
    }
    starts = measure_pool_start(rounds=args.pool_rounds)
    results["pool_start_seconds"] = starts
    cell_seconds = {units: measure_cells(units, args.cell_rounds) for units in CELL_UNITS}
    results["cell_seconds"] = cell_seconds
    write_json(args.out, results)
    table = rich.table.Table("what", "per second", title=f"NAS-Moons-v0 on {results['cores']} cores")
    table.add_row("children trained, fused", f"{fused:,.0f}")
    table.add_row("children trained, local (PyTorch, one by one)", f"{local:,.1f}")
    table.add_row("fused / local", f"{fused / local:,.0f} times")
    table.add_row("steps, gym.make, instant evaluator", f"{single:,.0f}")
    table.add_row(f"steps, gym.make_vec, {args.lanes} lanes, instant evaluator", f"{vector:,.0f}")
    table.add_row(
        f"steps, gym.make_vec, {TABLE_LANES} lanes, NAS-Bench-201-v0",
        f"{results['table_steps_per_second']:,.0f}",
    )
    console = Console()
    console.print(table)
    console.print(
        f"{args.image_children} convolutional networks on digits: {image_local:.1f} s in one process, "
        f"{image_workers:.1f} s in workers that had taken {image_start:.1f} s to start: "
        f"{image_workers / image_local:.2f} of the time, {(image_start + image_workers) / image_local:.2f} "
        "with the start"
    )
    console.print(
        f"two worker processes that can train: {starts['processes'] / starts['loky']:.2f} of the time of "
        f"loky's executor, {starts['program_processes'] / starts['program_loky']:.2f} with a program "
        f"that imports PyTorch, too; one in place of a dead one {starts['replaced']:.2f} s"
    )
    seconds = results["reinforce_500_cells_seconds"]
    console.print(f"REINFORCE on NAS-Bench-201-v0, 500 cells: {seconds:.2f} s")
    for units, times in cell_seconds.items():
        model, layer = (
            (t["nascell"] / t["plain"], t["lstm"] / t["torch_lstm"]) for t in (times["model"], times["layer"])
        )
        console.print(
            f"a training step of a language model of {units} units, {TIME} time steps, batch "
            f"{BATCH}, {VOCABULARY} tokens, one thread: NASCell "
            f"{times['model']['nascell'] * 1000:.1f} ms, {model[0]:.2f} of the plain way's time; our LSTM "
            f"{model[1]:.2f} of torch.nn.LSTM's; the layers alone {layer[0]:.2f} and {layer[1]:.2f}"
        )
    console.print(f"written to {args.out}")
    return 0


def measure_children(count: int, local_count: int) -> tuple[float, float]:
    """Return children a second of both evaluators; the local one trains the first of the same networks."""
    fused, local = (problem("NAS-Moons-v0", evaluator=name).make_evaluator() for name in ("fused", "local"))
    space = problem("NAS-Moons-v0").search_space
    generator = np.random.default_rng(0)
    drawn = {space.architecture(random_sentence(space, generator)) for _ in range(2 * count)}
    architectures = sorted(drawn, key=str)
    generator.shuffle(architectures)
    first, *rest = architectures[: count + 1]
    for evaluator in (fused, local):
        evaluator.evaluate([first])  # compiles the kernel, or loads it from the cache
    fused_seconds = seconds_of(lambda: fused.evaluate(rest))
    sample = rest[:local_count]
    local_seconds = seconds_of(lambda: local.evaluate(sample))
    return len(rest) / fused_seconds, len(sample) / local_seconds


def measure_images(count: int) -> tuple[float, float, float]:
    """Return seconds: of digits children on one thread, of starting workers, of the children in them."""
    problems = [problem("NAS-Digits-v0", evaluator=name) for name in ("local", "processes")]
    space, generator = problems[0].search_space, np.random.default_rng(0)
    children = [space.architecture(random_sentence(space, generator)) for _ in range(count)]
    seeds = list(range(count))  # named seeds pass by the memory of what is known
    local, workers = (each.make_evaluator() for each in problems)
    local.evaluate(children[:1], [0])  # loads what PyTorch imports late
    cores = joblib.cpu_count()
    start_seconds = seconds_of(lambda: workers.evaluate(children[:1] * cores, [0] * cores)) - seconds_of(
        lambda: local.evaluate(children[:1], [0])
    )
    local_seconds = seconds_of(lambda: local.evaluate(children, seeds))
    workers_seconds = seconds_of(lambda: workers.evaluate(children, seeds))
    workers.close()
    return local_seconds, start_seconds, workers_seconds


def measure_single(steps: int) -> float:
    """Return steps a second through ``gym.make`` with its default wrappers, random legal actions."""
    env = gym.make("nas_gym:NAS-Moons-v0", evaluator=InstantEvaluator())
    tokens = np.random.default_rng(0).integers(9, size=steps).tolist()

    def play() -> None:
        env.reset()
        for token in tokens:
            if env.step(token)[2]:
                env.reset()

    return steps / seconds_of(play)


def measure_vector(steps: int, lanes: int) -> float:
    """Return steps a second through ``gym.make_vec``, random legal actions."""
    env = gym.make_vec("nas_gym:NAS-Moons-v0", num_envs=lanes, evaluator=InstantEvaluator())
    rounds = max(1, steps // lanes)
    actions = np.random.default_rng(0).integers(9, size=(rounds, lanes))

    def play() -> None:
        env.reset(seed=0)
        for row in actions:
            env.step(row)

    return rounds * lanes / seconds_of(play)


def cells() -> Table:
    """Return a made-up table of all cells of NAS-Bench-201: speed does not depend on what stands in it."""
    space = NasBench201Space()
    accuracies = np.random.default_rng(0).random((space.count(), 1), dtype=np.float32)
    return Table(space, "none", "none", validation=accuracies)


def measure_table(steps: int, lanes: int) -> float:
    """Return steps a second on a table, random legal actions."""
    env = gym.make_vec("nas_gym:NAS-Bench-201-v0", num_envs=lanes, table=cells())
    rounds = max(1, steps // lanes)
    actions = np.random.default_rng(0).integers(5, size=(rounds, lanes))

    def play() -> None:
        env.reset(seed=0)
        for row in actions:
            env.step(row)

    return rounds * lanes / seconds_of(play)


def measure_search(episodes: int) -> float:
    """Return the seconds of a whole search with REINFORCE on a table."""
    from agents import (
        agent_spec,
        make_agent,
    )  # here, where a foreign package of that name is told in one line

    env = gym.make_vec("nas_gym:NAS-Bench-201-v0", num_envs=agent_spec("reinforce").num_envs, table=cells())
    torch.set_num_threads(1)
    agent = make_agent("reinforce", env, 0)
    return seconds_of(lambda: agent.learn(episodes))


def seconds_of(work: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    run(Args, main, __doc__ or "")
