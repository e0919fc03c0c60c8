"""Train an agent of stable-baselines3, or one without a policy, on an environment of nas_gym."""

from dataclasses import dataclass
from typing import Literal

from command_line import RESUME, SearchArgs, parse_keywords, run
from experiment import run_experiment


@dataclass
class Args(SearchArgs):
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
    resume: bool = False
    """Play the run that the folder holds again, without training its networks anew, and go on with it."""


def main(args: Args) -> int:
    """Run the experiment that the arguments describe."""
    keywords = parse_keywords(args.env_kwargs)
    return run_experiment(
        args.env, keywords, args.algorithm, args.episodes, args.seed, args.run_dir, args.resume, args.store
    )


if __name__ == "__main__":
    run(Args, main, __doc__ or "", RESUME)
