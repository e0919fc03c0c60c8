"""Train the REINFORCE agent on an environment of nas_gym."""

from dataclasses import dataclass, replace
from typing import Literal

from command_line import RESUME, SearchArgs, parse_keywords, run
from experiment import run_experiment

from agents import REINFORCE_FORMS

FEW_EPISODES = 1000


@dataclass
class Args(SearchArgs):
    """What to search, how long, in which form, and where to write."""

    form: Literal["auto", "faithful", "sample_efficient"] = "auto"
    """faithful: batches of 20, proposals may repeat, for thousands of architectures; sample_efficient: none
    is proposed twice and each is learned from more than once, for hundreds (the benchmark's); auto: the
    latter for fewer than 1,000."""
    cell: Literal["gru", "lstm", "nascell"] = "gru"
    """The policy's recurrent cell; nascell is the one that Zoph & Le's controller found."""


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
    run(Args, main, __doc__ or "", RESUME)
