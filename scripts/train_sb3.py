"""Train an agent of stable-baselines3, or one without a policy, on an environment of nas_gym."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from command_line import parse_keywords, run
from experiment import run_experiment


@dataclass
class Args:
    """Who searches, what, how long, and where to write."""

    algorithm: Literal[
        "ppo",
        "maskable_ppo",
        "a2c",
        "dqn",
        "random",
        "random_search",
        "regularized_evolution",
        "local_search",
    ] = "ppo"
    """The algorithm; ppo, a2c and dqn do not see which tokens are legal. random is random_search."""
    env: str = "NAS-Moons-v0"
    """Id of the environment."""
    episodes: int = 5000
    """Number of architectures to propose; sentences with an illegal token count."""
    seed: int = 0
    """Seed of the agent."""
    run_dir: Path | None = None
    """Folder of the run; by default runs/<env>/<algorithm>/<seed>."""
    resume: bool = False
    """Play the run that the folder holds again, without training its networks anew, and go on with it."""
    store: Path | None = None
    """SQLite file that keeps every evaluation, also of other runs, and trains none twice; by default
    evaluations.sqlite in the folder of the run."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environment as name=value, the values in JSON, e.g. noise=0.3 widths=[4,8]."""


def main(args: Args) -> int:
    """Run the experiment that the arguments describe."""
    keywords = parse_keywords(args.env_kwargs)
    return run_experiment(
        args.env, keywords, args.algorithm, args.episodes, args.seed, args.run_dir, args.resume, args.store
    )


if __name__ == "__main__":
    run(Args, main, __doc__ or "")
