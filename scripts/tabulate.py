"""Train every architecture of an environment's search space and write a table of the results."""

if __name__ != "__main__":
    # PyTorch, among others, looks for the package of this name, and finds this file beside a running script.
    raise ImportError("scripts/tabulate.py is a command, not the package tabulate")

from dataclasses import dataclass, field
from pathlib import Path

from command_line import SAME_COMMAND, parse_keywords, run
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.assembly import assemble
from nas_gym.search_spaces import RankedSpace
from nas_gym.studies.tabulation import BLOCK, tabulate


@dataclass
class Args:
    """What to train, how often, and where to write."""

    env: str = "NAS-Moons-v0"
    """Id of the environment; its search space must be mlp-v0."""
    seeds: int = 3
    """Trainings of each architecture, with the training seeds 0, 1, ..."""
    out: Path = Path("runs/table.npz")
    """The table. Finished parts stand beside it until it is whole; the same command goes on from them."""
    block: int = BLOCK
    """Architectures between two writes."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environment as name=value, the values in JSON, e.g. max_length=3."""


def main(args: Args) -> int:
    """Make the table, with a progress bar."""
    parts = assemble(args.env, **parse_keywords(args.env_kwargs))
    if parts.dataset is None or parts.recipe is None or not isinstance(parts.search_space, RankedSpace):
        raise InvalidArgumentError(f"{args.env} trains no children of a search space that can be tabulated")
    total = parts.search_space.count()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("architectures,"), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn()) as progress:
        task = progress.add_task("train", total=total)
        table = tabulate(
            parts.search_space,
            parts.dataset,
            parts.recipe,
            args.out,
            args.seeds,
            block=args.block,
            on_progress=lambda done: progress.update(task, completed=done),
        )
    best = table.best_architectures
    Console(soft_wrap=True, highlight=False).print(
        f"{total} architectures, {args.seeds} trainings each: {args.out}\n"
        f"best mean validation accuracy {table.optimum:.4f}, reached by {len(best)}, for example {best[0]}"
    )
    return 0


if __name__ == "__main__":
    run(Args, main, __doc__ or "", SAME_COMMAND)
