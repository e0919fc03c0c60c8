"""Choose agents' defaults: as many settings, seeds and children for each, on the moons table.

What decides is the mean reward of a run, that is, how soon an agent learns. The best network found tells
settings apart too little there: hundreds of networks tie near the optimum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

import gymnasium as gym
import joblib
import numpy as np
from command_line import SAME_COMMAND, run
from numpy.typing import NDArray
from rich.progress import track

from agents import AgentSpec, agent_spec
from nas_gym.benchmark.pool import Job, check_settings, missing_jobs, read_runs, run_jobs
from nas_gym.benchmark.runs import Limits, Run, judge_run, play
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.assembly import assemble

ENV = "NAS-Bench-Moons-v0"
REINFORCE_GRID = {
    "learning_rate": (5e-3, 1e-2),
    "entropy_weight": (0.03, 0.1),
    "epochs": (1, 3),
    "num_envs": (5, 10),
}
PPO_GRID = {
    "learning_rate": (2e-3, 5e-3),
    "ent_coef": (0.02, 0.1),
    "n_epochs": (5, 10),
    "n_steps": (4, 12),
}
GRIDS: dict[str, Mapping[str, Sequence[Any]]] = {
    "reinforce": REINFORCE_GRID,
    "ppo": PPO_GRID,
    "maskable_ppo": PPO_GRID,
}


@dataclass
class Args:
    """Who is tuned, and with how much effort."""

    agents: list[str] = field(default_factory=lambda: list(GRIDS))
    """Agents to tune, keys of GRIDS."""
    budget: int = 500
    """Distinct children of each run, in at most four times as many episodes."""
    seeds: int = 10
    """Runs of each setting, with the seeds 0, 1, ..."""
    out: Path = Path("runs/tune")
    """Folder of the runs; a search that was interrupted goes on in it."""
    processes: int = field(default_factory=joblib.cpu_count)
    """Runs at the same time, with one thread each."""


def main(args: Args) -> int:
    """Try every setting and print what it reaches, the settings of an agent in falling order."""
    unknown = [agent for agent in args.agents if agent not in GRIDS]
    if unknown:
        raise InvalidArgumentError(f"no grid for agent {unknown[0]!r}; there are {', '.join(GRIDS)}")
    if min(args.budget, args.seeds - 1, args.processes) < 1:
        raise InvalidArgumentError("budget and processes must be at least 1, seeds at least 2")
    limits = Limits(args.budget, 4 * args.budget)
    grids = {agent: {name: list(values) for name, values in GRIDS[agent].items()} for agent in args.agents}
    check_settings(args.out, {"budget": args.budget, "grids": grids})
    specs = {label: spec for agent in args.agents for label, spec in settings_of(agent).items()}
    jobs = {label: [Job(ENV, label, seed) for seed in range(args.seeds)] for label in specs}
    missing = missing_jobs([job for of_one in jobs.values() for job in of_one], args.out)
    playing = run_jobs(missing, partial(play_job, specs, limits), args.out, args.processes)
    for _ in track(playing, "runs", len(missing)):
        pass
    print(
        f"Means over {args.seeds} seeds ± standard errors, until {args.budget} distinct networks\n\n"
        "| setting | reward | best validation accuracy |\n|---|---|---|"
    )
    for agent in args.agents:
        runs = {label: read_runs(jobs[label], args.out) for label in settings_of(agent)}
        rewards = {label: np.array([mean(run["rewards"]) for run in found]) for label, found in runs.items()}
        for label in sorted(runs, key=lambda label: -rewards[label].mean()):
            best = np.array([run["best_validation_accuracy"] for run in runs[label]])
            print(f"| {label} | {in_words(rewards[label])} | {in_words(best)} |")
    return 0


def settings_of(agent: str) -> dict[str, AgentSpec]:
    """Return every setting of an agent's grid, by its name."""
    names, values = zip(*GRIDS[agent].items(), strict=True)
    spec = agent_spec(agent)
    found = {}
    for chosen in product(*values):
        setting = dict(zip(names, chosen, strict=True))
        label = f"{agent} {' '.join(f'{name}={value:g}' for name, value in setting.items())}"
        lanes = setting.pop("num_envs", spec.num_envs)
        if "n_steps" in setting:
            setting["batch_size"] = lanes * setting["n_steps"] // 2
        found[label] = replace(spec, num_envs=lanes, arguments=spec.arguments | setting)
    return found


def play_job(specs: Mapping[str, AgentSpec], limits: Limits, job: Job) -> Run:
    """Let one setting search once."""
    parts, spec = assemble(job.env), specs[job.agent]
    env = RecordEvaluations(gym.make_vec(f"nas_gym:{job.env}", num_envs=spec.num_envs))
    played = play(spec, env, env, job.seed, limits)
    return judge_run(job.seed, limits=limits, table=parts.table, parse=parts.search_space.parse, **played)


def in_words(values: NDArray[np.float64]) -> str:
    """Return mean and standard error."""
    return f"{values.mean():.4f} ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"


if __name__ == "__main__":
    run(Args, main, __doc__ or "", SAME_COMMAND)
