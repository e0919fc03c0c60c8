"""Compare agents on one environment: equal budgets, equal seeds, intervals over seeds."""

import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gymnasium as gym
import joblib
import torch
from command_line import parse_keywords, run
from rich.progress import track

from agents import agent_spec, make_agent
from agents.comparison.report import aggregate, draw_comparison, markdown_table, run_result
from agents.files import write_atomically
from nas_gym.envs.registration import assemble
from nas_gym.errors import InvalidArgumentError
from nas_gym.wrappers import RecordEvaluations


@dataclass
class Args:
    """Who is compared, on what, how long, and where to write."""

    env: str = "NAS-Moons-v0"
    """Id of the environment."""
    agents: list[str] = field(default_factory=lambda: ["reinforce", "ppo", "maskable_ppo", "random"])
    """Agents to compare: reinforce, random, ppo, maskable_ppo, a2c, dqn."""
    episodes: int = 1000
    """Architectures that each run proposes; sentences with an illegal token count."""
    seeds: int = 5
    """Runs of each agent, with the seeds 0, 1, ..."""
    out: Path = Path("runs/benchmark")
    """Folder for results.json, table.md and comparison.png."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environment as name=value, the values in JSON."""


def main(args: Args) -> int:
    """Run every agent with every seed, in as many processes as there are cores, and write the results."""
    keywords = parse_keywords(args.env_kwargs)
    assemble(args.env, **keywords)
    for agent in args.agents:
        agent_spec(agent)
    if args.episodes < 1 or args.seeds < 1 or not args.agents:
        raise InvalidArgumentError("at least one agent, episode and seed is needed")
    args.out.mkdir(parents=True, exist_ok=True)
    jobs = [
        (agent, args.env, keywords, args.episodes, seed)
        for seed in range(args.seeds)
        for agent in args.agents
    ]
    results: dict[str, list[dict[str, Any]]] = {agent: [] for agent in args.agents}
    context = multiprocessing.get_context("spawn")  # a forked PyTorch may hang
    with ProcessPoolExecutor(joblib.cpu_count(), context, initializer=_one_thread) as pool:
        futures = {pool.submit(run_agent, *job): job[0] for job in jobs}
        for future in track(as_completed(futures), "runs", total=len(jobs)):
            results[futures[future]].append(future.result())
    agents: dict[str, dict[str, Any]] = {
        agent: {"metrics": aggregate(runs), "runs": sorted(runs, key=lambda run: run["seed"])}
        for agent, runs in results.items()
    }
    setting = {"env": args.env, "env_kwargs": keywords, "episodes": args.episodes, "seeds": args.seeds}
    table = markdown_table(agents)
    results_text = json.dumps({**setting, "agents": agents}, indent=1) + "\n"
    write_atomically(args.out / "results.json", lambda path: path.write_text(results_text))
    write_atomically(args.out / "table.md", lambda path: path.write_text(table))
    draw_comparison(args.out / "comparison.png", agents, f"{args.env}, {args.seeds} seeds, 95 % intervals")
    print(f"\nmeans over {args.seeds} seeds [95 % bootstrap interval], {args.episodes} architectures a run\n")
    print(table)
    print(f"results.json, table.md and comparison.png are in {args.out}")
    return 0


def run_agent(agent: str, env_id: str, keywords: dict[str, Any], episodes: int, seed: int) -> dict[str, Any]:
    """Let one agent search once, in this process."""
    lanes = agent_spec(agent).num_envs
    env_id = f"nas_gym:{env_id.removeprefix('nas_gym:')}"
    env = RecordEvaluations(gym.make_vec(env_id, num_envs=lanes, **keywords))
    start = time.perf_counter()
    make_agent(agent, env, seed).learn(episodes)
    return run_result(seed, env.rows[:episodes], time.perf_counter() - start)


def _one_thread() -> None:
    torch.set_num_threads(1)
    os.environ["LOKY_MAX_CPU_COUNT"] = "1"  # what evaluators take their number of threads from


if __name__ == "__main__":
    run(Args, main, __doc__ or "")
