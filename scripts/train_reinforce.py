"""Train the REINFORCE agent on an environment of nas_gym."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from command_line import parse_keywords, run
from experiment import run_experiment

from agents import REINFORCE_FORMS

FEW_EPISODES = 1000


@dataclass
class Args:
    """What to search, how long, and where to write."""

    env: str = "NAS-Moons-v0"
    """Id of the environment."""
    episodes: int = 5000
    """Number of architectures to propose."""
    form: Literal["auto", "faithful", "sample_efficient"] = "auto"
    """faithful: batches of 20, proposals may repeat, for thousands of architectures; sample_efficient: none
    is proposed twice and each is learned from more than once, for hundreds (the benchmark's); auto: the
    latter for fewer than 1,000."""
    cell: Literal["gru", "lstm", "nascell"] = "gru"
    """The policy's recurrent cell; nascell is the one that Zoph & Le's controller found."""
    seed: int = 0
    """Seed of the agent."""
    run_dir: Path | None = None
    """Folder of the run; by default runs/<env>/reinforce/<seed>."""
    resume: bool = False
    """Go on with the run that the folder holds; one that was never interrupted ends the same."""
    store: Path | None = None
    """SQLite file that keeps every evaluation, also of other runs, and trains none twice; by default
    evaluations.sqlite in the folder of the run."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environment as name=value, the values in JSON, e.g. noise=0.3 widths=[4,8]."""


def main(args: Args) -> int:
    """Run the experiment that the arguments describe."""
    keywords = parse_keywords(args.env_kwargs)
    suited = "sample_efficient" if args.episodes < FEW_EPISODES else "faithful"
    spec = REINFORCE_FORMS[suited if args.form == "auto" else args.form]
    return run_experiment(
        args.env,
        keywords,
        "reinforce",
        args.episodes,
        args.seed,
        args.run_dir,
        args.resume,
        args.store,
        spec=replace(spec, arguments={**spec.arguments, "cell": args.cell}),
    )


if __name__ == "__main__":
    run(Args, main, __doc__ or "")
