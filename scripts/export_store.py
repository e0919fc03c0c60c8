"""Write what a store of evaluations holds as CSV, or as a table that an environment can be made of."""

from dataclasses import dataclass, field
from pathlib import Path

from command_line import parse_keywords, run

from agents.files import write_atomically
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.base import Trainer
from nas_gym.memory.export import table_of, write_csv
from nas_gym.memory.store import EvaluationStore
from nas_gym.memory.tables.table_file import write_table
from nas_gym.problems.assembly import assemble
from nas_gym.search_spaces import RankedSpace


@dataclass
class Args:
    """What to read, and where to write."""

    store: Path
    """The store, for example evaluations.sqlite in the folder of a run."""
    out: Path
    """The file to write: with the ending .csv every row, with .npz a table."""
    env: str = "NAS-Moons-v0"
    """For a table: the environment whose whole search space was trained."""
    seeds: int = 1
    """For a table: trainings of each architecture, with the training seeds 0, 1, ..."""
    env_kwargs: list[str] = field(default_factory=list)
    """For a table: keywords of the environment as name=value, the values in JSON, e.g. max_length=3."""


def main(args: Args) -> int:
    """Write the file that the arguments describe."""
    if args.out.suffix not in (".csv", ".npz"):
        raise InvalidArgumentError(f"out must end with .csv or .npz, got {args.out}")
    if args.seeds < 1:
        raise InvalidArgumentError(f"seeds must be a positive integer, got {args.seeds}")
    store = EvaluationStore(args.store, create=False)
    if args.out.suffix == ".csv":
        write_atomically(args.out, lambda path: write_csv(store, path))
        print(f"{len(store)} evaluations: {args.out}")
        return 0
    parts = assemble(args.env, **parse_keywords(args.env_kwargs))
    trainer = getattr(parts.evaluator, "evaluator", parts.evaluator)  # without its memory
    if not isinstance(trainer, Trainer) or not isinstance(parts.search_space, RankedSpace):
        raise InvalidArgumentError(f"{args.env} trains no children of a search space that can be tabulated")
    write_table(table_of(store, parts.search_space, trainer, args.seeds), args.out)
    print(f"{parts.search_space.count()} architectures, {args.seeds} trainings each: {args.out}")
    return 0


if __name__ == "__main__":
    run(Args, main, __doc__ or "")
