"""The command ``nas-gym rungs``: arguments become a table."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console
from rich.table import Table

from nas_gym.checks import integer
from nas_gym.command_line import SAME_COMMAND, parse_keywords

if TYPE_CHECKING:
    from nas_gym.benchmark.rungs.judging import RungFacts


@dataclass
class Rungs:
    """Train random networks at every rung of an environment's ladder, and say which of them ranks well."""

    env: str = "NAS-Digits-v0"
    """Id of the environment."""
    networks: int = 12
    """Random networks that are trained."""
    seeds: int = 2
    """Trainings of each network at each rung."""
    seed: int = 0
    """Seed of the random networks."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environment as name=value, the values in JSON: recipe.epochs=5 and its like make
    another first rung, those of middle and full the others; reward=likelihood ranks by loss."""
    store: Path | None = None
    """SQLite file that keeps every training; by default runs/<env>/rungs.sqlite."""

    go_on: ClassVar[str | None] = SAME_COMMAND

    def run(self) -> int:
        """Train, and print a table."""
        import nas_gym
        from agents.progress import CountProgress
        from nas_gym.benchmark.rungs.judging import draw_networks, judge_rungs

        console = Console()
        problem = nas_gym.problem(self.env, **parse_keywords(self.env_kwargs))
        networks = draw_networks(problem, integer("networks", self.networks, 1), self.seed)
        store = self.store or Path("runs") / self.env / "rungs.sqlite"
        store.parent.mkdir(parents=True, exist_ok=True)
        total = len(networks) * self.seeds
        with closing(problem.make_evaluator(store)) as evaluator, CountProgress(console) as bar:

            def tell(rung: int, done: int) -> None:
                bar.tell(f"rung {rung}", done, total)

            facts = list(judge_rungs(problem, networks, self.seeds, evaluator, tell))
        print_rungs(console, facts, len(networks), self.seeds)
        return 0


def print_rungs(console: Console, facts: "Sequence[RungFacts]", networks: int, seeds: int) -> None:
    """Print what was found, the cheapest rung first."""
    from nas_gym.studies.report.words import say

    ordered = sorted(facts, key=lambda each: each.rung)
    table = Table("rung", "seconds", "tau with full [95 %]", "between seeds", "failed")
    for each in ordered:
        tau = f"{each.tau.value:.2f} [{each.tau.low:.2f}, {each.tau.high:.2f}]"
        name = f"{each.rung}, full" if each is ordered[-1] else str(each.rung)
        table.add_row(name, f"{each.seconds:.1f}", tau, f"{each.between_seeds:.2f}", str(each.failed))
    console.print(table)
    for each in ordered:
        say(console, f"rung {each.rung}: {each.recipe} on {each.data}")
    say(
        console,
        f"{networks} random networks, {seeds} trainings each; tau is Kendall's, of one training with the "
        "mean of the full ones; that of full, with its other trainings, is about the most there can be",
    )
