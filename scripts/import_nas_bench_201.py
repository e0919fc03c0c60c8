"""Make tables for NAS-Bench-201-v0 from the official NATS-Bench files, without executing their pickles."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro
from rich.console import Console

from agents.progress import CountProgress
from nas_gym.command_line import run
from nas_gym.datasets.folder import data_folder
from nas_gym.memory.tables.nas_bench_201 import file_name_201
from nas_gym.memory.tables.nats_bench import import_nats_bench
from nas_gym.memory.tables.table_file import write_table


@dataclass
class Args:
    """What to read, and where to write."""

    source: tyro.conf.Positional[Path]
    """The folder NATS-tss-v1_0-3ffb9-simple or the file NATS-tss-v1_0-3ffb9.pickle.pbz2."""
    out: Path | None = None
    """Folder for the tables; by default where the environment looks: $NAS_GYM_DATA or the cache folder."""


def main(args: Args) -> int:
    """Import every data set and length of training that the files hold."""
    out = args.out or data_folder()
    console = Console(soft_wrap=True, highlight=False)
    with CountProgress(console) as progress:
        tables = import_nats_bench(args.source, on_progress=partial(progress.tell, "read"))
    for (dataset, epochs), table in tables.items():
        path = out / file_name_201(dataset, epochs)
        write_table(table, path)
        console.print(
            f"{dataset}, {epochs} epochs, {table.seeds} column(s), "
            f"best mean validation {table.metric.words} {table.optimum:.4f}: {path}"
        )
    return 0


if __name__ == "__main__":
    run(Args, main, __doc__ or "")
