"""Choose agents' defaults: as many settings, seeds and children for each, on the moons table.

What decides is the mean reward of a run, that is, how soon an agent learns. The best network found tells
settings apart too little there: hundreds of networks tie near the optimum.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from agents import AgentSpec, agent_spec
from nas_gym.benchmark.arguments import TuningArguments
from nas_gym.benchmark.command import play_missing
from nas_gym.benchmark.files import check_settings
from nas_gym.benchmark.jobs import Job, read_runs
from nas_gym.benchmark.runs import Limits
from nas_gym.errors import InvalidArgumentError

ENV = "NAS-Bench-Moons-v0"
REINFORCE_GRID: Mapping[str, Sequence[float]] = {
    "learning_rate": (5e-3, 1e-2),
    "entropy_weight": (0.03, 0.1),
    "epochs": (1, 3),
    "num_envs": (5, 10),
}
SURROGATE_GRID: Mapping[str, Sequence[float]] = {
    "surrogate_exploration": (0.25, 0.5),
    "policy_share": (0.2, 0.4),
    "num_envs": (5, 10),
}
PPO_GRID: Mapping[str, Sequence[float]] = {
    "learning_rate": (2e-3, 5e-3),
    "ent_coef": (0.02, 0.1),
    "n_epochs": (5, 10),
    "n_steps": (4, 12),
}
GRIDS = {
    "reinforce": REINFORCE_GRID,
    "reinforce_surrogate": SURROGATE_GRID,
    "ppo": PPO_GRID,
    "maskable_ppo": PPO_GRID,
}


def tune(arguments: TuningArguments) -> None:
    """Try every setting and print what it reaches, the settings of an agent in falling order."""
    seeds = arguments.seeds
    unknown = [agent for agent in arguments.agents if agent not in GRIDS]
    if unknown:
        raise InvalidArgumentError(f"no grid for agent {unknown[0]!r}; there are {', '.join(GRIDS)}")
    if min(arguments.budget, seeds - 1, arguments.processes) < 1:
        raise InvalidArgumentError("budget and processes must be at least 1, seeds at least 2")
    limits = Limits(arguments.budget, 4 * arguments.budget)
    check_settings(arguments.out, {"budget": limits.budget, "grids": {a: GRIDS[a] for a in arguments.agents}})
    jobs = {
        agent: {
            label: [Job(ENV, label, seed, spec, limits) for seed in range(seeds)]
            for label, spec in settings_of(agent).items()
        }
        for agent in arguments.agents
    }
    every = [job for of_agent in jobs.values() for of_setting in of_agent.values() for job in of_setting]
    play_missing(every, arguments.out, arguments.processes)
    print(
        f"Means over {seeds} seeds ± standard errors, until {limits.budget} distinct networks\n\n"
        "| setting | reward | best validation accuracy |\n|---|---|---|"
    )
    for settings in jobs.values():
        rows = []
        for label, of_setting in settings.items():
            runs = read_runs(of_setting, arguments.out)
            rewards = [float(np.mean(run.rewards)) for run in runs]
            best = _in_words([run.validation_score for run in runs])
            rows.append((np.mean(rewards), f"| {label} | {_in_words(rewards)} | {best} |"))
        for _, row in sorted(rows, key=lambda row: -row[0]):
            print(row)


def settings_of(agent: str) -> dict[str, AgentSpec]:
    """Return every setting of an agent's grid, by its name."""
    spec, grid = agent_spec(agent), GRIDS[agent]
    found = {}
    for values in product(*grid.values()):
        setting = dict(zip(grid, values, strict=True))
        label = f"{agent} {' '.join(f'{name}={value:g}' for name, value in setting.items())}"
        lanes = int(setting.pop("num_envs", spec.num_envs))
        if "n_steps" in setting:
            setting["batch_size"] = lanes * setting["n_steps"] // 2
        found[label] = replace(spec, num_envs=lanes, arguments=spec.arguments | setting)
    return found


def _in_words(values: Sequence[float]) -> str:
    """Return mean and standard error."""
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.4f}"
