"""Train an agent of stable-baselines3, or one without a policy, on an environment of nas_gym."""

from dataclasses import dataclass
from typing import Literal

from nas_gym.cli import SearchArgs, run_script


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

    def run(self) -> int:
        """Let the algorithm search."""
        return self.search_with(self.algorithm)


if __name__ == "__main__":
    run_script(Args, __doc__)
