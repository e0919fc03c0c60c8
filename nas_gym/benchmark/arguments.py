"""What can be asked of a benchmark on a command line; importing it loads none of what it takes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import joblib

from nas_gym.command_line import Command


@dataclass
class BenchmarkArguments(Command):
    """Who is compared, on what, how long, and where to write."""

    env: list[str] = field(default_factory=lambda: ["NAS-Moons-v0"])
    """Ids of the environments."""
    agents: list[str] = field(default_factory=lambda: ["reinforce", "ppo", "maskable_ppo", "random"])
    """Agents to compare, keys of agents.AGENTS; an unknown one is answered with the list of all."""
    budget: int | None = None
    """Distinct children that each run trains; 500, unless --episodes is given."""
    episodes: int | None = None
    """Episodes after which a run ends at the latest, repeated and illegal sentences included; by default
    four times the budget."""
    seeds: int = 5
    """Runs of each agent, with the seeds 0, 1, ...; differences between agents often need 50."""
    out: Path = Path("runs/benchmark")
    """Folder for the results. A benchmark that was interrupted goes on in it; more seeds, agents and
    environments may be added, while budget, episodes and keywords must stay."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environments as name=value, the values in JSON; for one environment <id>:name=value."""
    order: Literal["batch", "arrival", "submission"] = "batch"
    """In which order episodes are learned: all lanes together, each as it ends, or as they were drawn."""
    lanes: int | None = None
    """Sentences that are under way at the same time; by default what suits the agent. With simulated workers,
    workers=64 in --env-kwargs, ten more than there are workers for --order arrival."""
    processes: int = field(default_factory=joblib.cpu_count)
    """Runs at the same time, with one thread each; by default one a core."""

    go_on = "the same command goes on where it stopped"

    def run(self) -> int:
        """Compare the agents."""
        from nas_gym.benchmark.command import run_benchmark

        run_benchmark(self)
        return 0


@dataclass
class TuningArguments(Command):
    """Who is tuned, and with how much effort."""

    agents: list[str] = field(default_factory=lambda: ["reinforce", "ppo", "maskable_ppo"])
    """Agents to tune, those that have a grid of settings."""
    budget: int = 500
    """Distinct children of each run, in at most four times as many episodes."""
    seeds: int = 10
    """Runs of each setting, with the seeds 0, 1, ..."""
    out: Path = Path("runs/tune")
    """Folder of the runs; a search that was interrupted goes on in it."""
    processes: int = field(default_factory=joblib.cpu_count)
    """Runs at the same time, with one thread each."""

    go_on = "the same command goes on where it stopped"

    def run(self) -> int:
        """Try the settings."""
        from nas_gym.benchmark.tuning import tune

        tune(self)
        return 0
