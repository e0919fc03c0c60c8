"""The commands of ``nas-gym``: arguments become a call, and an error one line."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from nas_gym.benchmark.arguments import BenchmarkArguments
from nas_gym.benchmark.rungs.command import Rungs
from nas_gym.checks import integer
from nas_gym.command_line import INTERRUPTED, RESUME, SAME_COMMAND, Command, end_with, parse_keywords, run
from nas_gym.errors import InvalidArgumentError, NasGymError
from nas_gym.estimators.command import Fit, Predict

if TYPE_CHECKING:
    from agents import AgentSpec

DESCRIPTION = "Neural architecture search as a Gymnasium environment, with agents that solve it."
FEW_EPISODES, FEW_TOKENS, MANY = 1000, 20, 10**12


@dataclass
class SearchArgs:
    """What to search, how long, and where to write."""

    env: str = "NAS-Moons-v0"
    """Id of the environment."""
    episodes: int = 5000
    """Number of architectures to propose; sentences with an illegal token count."""
    minutes: float | None = None
    """How long search and climb may take together; by default as long as the episodes take."""
    seed: int = 0
    """Seed of the agent."""
    run_dir: Path | None = None
    """Folder of the run; by default runs/<env>/<agent>/<seed>."""
    resume: bool = False
    """Go on with the run that the folder holds; one that was never interrupted ends the same."""
    store: Path | None = None
    """SQLite file that keeps every evaluation, also of other runs, and trains none twice; by default
    evaluations.sqlite in the folder of the run."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environment as name=value, the values in JSON, e.g. noise=0.3 recipe.epochs=50."""
    pool: str | None = None
    """Where children are trained, for example processes or ray; its keywords are those of the evaluator, e.g.
    --env-kwargs evaluator.address=10.0.0.1:6379."""
    order: Literal["batch", "arrival", "submission"] = "batch"
    """When the agent learns: from whole batches; as children end; or as they were drawn, which gives the same
    on any number of workers."""
    lanes: int | None = None
    """Sentences under way at the same time, by default what suits the agent; with many workers ten more than
    there are, for --order arrival."""

    go_on: ClassVar[str | None] = RESUME

    def search_with(self, agent: str, spec: "AgentSpec | None" = None) -> int:
        """Let an agent search."""
        from nas_gym.studies.study import Study, run_study

        keywords = parse_keywords(self.env_kwargs)
        if self.pool is not None:
            evaluator = keywords.get("evaluator", {})
            if not isinstance(evaluator, dict):
                raise InvalidArgumentError(f"--pool {self.pool} and evaluator={evaluator} say two things")
            keywords = {**keywords, "evaluator": {**evaluator, "pool": self.pool}}
        study = Study(
            env=self.env,
            env_kwargs=keywords,
            agent=agent,
            spec=spec,
            episodes=self.episodes,
            minutes=self.minutes,
            seed=self.seed,
            run_dir=self.run_dir,
            resume=self.resume,
            store=self.store,
            order=self.order,
            lanes=self.lanes,
        )
        return INTERRUPTED if run_study(study, Console()) is None else 0


@dataclass
class Reinforce(SearchArgs):
    """What to search, how long, in which form, and where to write."""

    form: Literal["auto", "faithful", "sample_efficient", "surrogate"] = "auto"
    """faithful: batches of 20, proposals may repeat, for thousands of architectures; sample_efficient: none
    is proposed twice and each is learned from more than once, for hundreds (the benchmark's); surrogate: the
    same, and a Gaussian process chooses among what the policy imagines, in whole batches; auto: surrogate for
    fewer than 1,000 and with --minutes, faithful for more; in an order that has no batches sample_efficient
    for fewer than 1,000, else faithful."""
    cell: Literal["gru", "lstm", "nascell"] = "gru"
    """The policy's recurrent cell; nascell is the one that Zoph & Le's controller found."""

    def run(self) -> int:
        """Let REINFORCE search."""
        from agents import REINFORCE_FORMS

        few = self.episodes < FEW_EPISODES
        if self.order != "batch":
            suited = "sample_efficient" if few else "faithful"
        else:
            suited = "surrogate" if few or self.minutes is not None else "faithful"
        spec = REINFORCE_FORMS[suited if self.form == "auto" else self.form]
        return self.search_with("reinforce", replace(spec, arguments={**spec.arguments, "cell": self.cell}))


@dataclass
class Search(Reinforce):
    """Let an agent search for a network; the best is trained again and judged on test data."""

    agent: str = "reinforce"
    """Who searches; an unknown name is answered with the list of all. Only reinforce has form and cell."""

    def run(self) -> int:
        """Let the agent search."""
        if self.agent == "reinforce":
            return super().run()
        if (self.form, self.cell) != ("auto", "gru"):
            raise InvalidArgumentError(
                f"form and cell are of the agent reinforce alone, {self.agent} has none"
            )
        return self.search_with(self.agent)


@dataclass
class Retrain:
    """Train a run's best networks from scratch, beside references, and read the test data."""

    run_dir: Path
    """Folder of a finished run."""
    top: int = 3
    """So many networks of the run are trained: the one it chose, and the next by reward."""
    seeds: int = 3
    """Trainings of each network."""
    env: str | None = None
    """Id of another environment with the same search space, to train the networks in: transfer. Its
    results go to a folder of that name in the run's. By default that of the run."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environment as name=value instead of the run's, for example full.epochs=5 or
    full=paper: full is the recipe of this training."""
    device: str | None = None
    """PyTorch's name of the device to train on, for example cuda; by default that of the search."""
    processes: int | None = None
    """Trainings at the same time, with one thread each; by default one a core."""

    go_on: ClassVar[str | None] = SAME_COMMAND

    def run(self) -> int:
        """Hold the contest."""
        from nas_gym.pools.here import Here
        from nas_gym.pools.processes import Processes
        from nas_gym.studies.contest import Contest, hold_contest

        contest = Contest(
            run_dir=self.run_dir,
            top=self.top,
            seeds=self.seeds,
            env=self.env,
            env_kwargs=parse_keywords(self.env_kwargs),
            device=self.device,
        )
        if self.processes is not None:
            integer("processes", self.processes, 1)
        with Here() if self.processes == 1 else Processes(self.processes) as pool:
            hold_contest(contest, pool, Console())
        return 0


@dataclass
class Tabulate:
    """Train every architecture of an environment's search space and write a table of the results."""

    env: str = "NAS-Moons-v0"
    """Id of the environment; networks of its search space must be ranked."""
    seeds: int = 3
    """Trainings of each architecture, with the training seeds 0, 1, ..."""
    out: Path = Path("runs/table.npz")
    """The table. Finished parts stand beside it until it is whole; the same command goes on from them."""
    block: int = 2048
    """Architectures between two writes."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of the environment as name=value, the values in JSON, e.g. space.max_length=3."""

    go_on: ClassVar[str | None] = SAME_COMMAND

    def run(self) -> int:
        """Make the table, with a progress bar."""
        import nas_gym
        from agents.progress import CountProgress
        from nas_gym.studies.report.words import say
        from nas_gym.studies.tabulation import tabulate

        problem = nas_gym.problem(self.env, **parse_keywords(self.env_kwargs))
        trainer, total = problem.make_trainer(), problem.search_space.count()
        assert problem.choice is not None
        console = Console()
        with problem.choice.pool() as pool, CountProgress(console) as bar:
            table = tabulate(
                trainer,
                self.out,
                pool,
                self.seeds,
                self.block,
                lambda done: bar.tell("architectures", done, total),
            )
        best = table.best_architectures
        say(
            console,
            f"{total} architectures, {self.seeds} trainings each: {self.out}\n"
            f"best mean validation accuracy {table.optimum:.4f}, reached by {len(best)}, "
            f"for example {best[0]}",
        )
        return 0


@dataclass
class Export:
    """Write a kept network as ONNX, with its preprocessing, for other programs."""

    model: Annotated[Path, tyro.conf.Positional]
    """Folder of a network, an ensemble or a table's model, or of a run or a fit, whose winner is meant."""
    onnx: Path
    """The file to write. It is run by onnxruntime and compared with PyTorch first."""
    samples: Path | None = None
    """What to compare them on, an image, a folder of images, a text or the file of a table; by default random
    samples."""

    go_on: ClassVar[str | None] = None

    def run(self) -> int:
        """Write the network and say how far the two are apart."""
        from nas_gym.kept.loading import load_network
        from nas_gym.kept.onnx import export_onnx
        from nas_gym.kept.table_model import is_table_model

        if is_table_model(self.model):
            return self._table()
        network = load_network(self.model)
        difference = export_onnx(network, self.onnx, self.samples)
        print(f"{self.onnx}: {network.description.architecture}")
        print(f"largest difference from PyTorch {difference:.1e}")
        return 0

    def _table(self) -> int:
        from nas_gym.datasets.tables.columns import read_cells
        from nas_gym.estimators.command import read_table
        from nas_gym.kept.table_model import TableModel
        from nas_gym.kept.table_onnx import export_table

        model = TableModel.load(self.model)
        rows = None if self.samples is None else read_cells(read_table(self.samples), model.columns)
        difference = export_table(model, self.onnx, rows)
        print(f"{self.onnx}: {len(model.members)} networks\nlargest difference from PyTorch {difference:.1e}")
        return 0


@dataclass
class ExportStore:
    """Write what a store of evaluations holds as CSV, or as a table that an environment can be made of."""

    store: Path
    """The store, for example evaluations.sqlite in the folder of a run."""
    out: Path
    """The file to write: with the ending .csv every row, with .npz a table."""
    env: str = "NAS-Moons-v0"
    """For a table: the environment whose whole search space was trained."""
    seeds: int = 1
    """For a table: trainings of each architecture, with the training seeds 0, 1, ..."""
    env_kwargs: list[str] = field(default_factory=list)
    """For a table: keywords of the environment as name=value, the values in JSON, e.g. space.max_length=3."""

    go_on: ClassVar[str | None] = None

    def run(self) -> int:
        """Write the file that the arguments describe."""
        import nas_gym
        from nas_gym.files import write_atomically
        from nas_gym.memory.export import table_of, write_csv
        from nas_gym.memory.store import EvaluationStore
        from nas_gym.memory.tables.table_file import write_table
        from nas_gym.search_spaces import RankedSpace
        from nas_gym.tasks.classification import Classification

        if self.out.suffix not in (".csv", ".npz"):
            raise InvalidArgumentError(f"out must end with .csv or .npz, got {self.out}")
        seeds = integer("seeds", self.seeds, 1)
        with closing(EvaluationStore(self.store, create=False)) as store:
            if self.out.suffix == ".csv":
                write_atomically(self.out, lambda path: write_csv(store, path))
                print(f"{len(store)} evaluations: {self.out}")
                return 0
            problem = nas_gym.problem(self.env, **parse_keywords(self.env_kwargs))
            space, task = problem.search_space, problem.task
            if not isinstance(task, Classification) or not isinstance(space, RankedSpace):
                raise InvalidArgumentError(f"{self.env} trains no classifiers whose networks are ranked")
            samples = len(task.data_of().validation)
            table = table_of(store, space, problem.make_trainer().setting(), samples, seeds)
        write_table(table, self.out)
        print(f"{space.count()} architectures, {seeds} trainings each: {self.out}")
        return 0


@dataclass
class Envs:
    """List the environments, or describe one: search space, data, tokens, and the keywords of each part."""

    env: Annotated[str | None, tyro.conf.Positional] = None
    """Id of the one to describe."""

    go_on: ClassVar[str | None] = None

    def run(self) -> int:
        """Print what there is."""
        from nas_gym.problems.registration import PROBLEMS, entry_of

        for name in PROBLEMS if self.env is None else [self.env]:
            print(f"{name:20}{inspect.getdoc(entry_of(name).make) or ''}")
        if self.env is not None:
            table = Table.grid("", Column(overflow="fold"), padding=(0, 2))
            for row in _described(self.env):
                table.add_row(*map(escape, row))
            Console(highlight=False).print(table)
        return 0


def _described(env: str) -> Iterator[tuple[str, str]]:
    """Yield what an environment is made of, then the keywords of each part with their defaults."""
    import nas_gym
    from nas_gym.problems.parts import REQUIRED
    from nas_gym.problems.registration import keywords_by_part

    try:
        problem = nas_gym.problem(env)
        space, task, table = problem.search_space, problem.task, problem.table
        count, tokens = space.count(), space.tokens
        size = f"{count:,}" if count < MANY else f"{count:.1e}"
        yield "search space", f"{space.id}, {size} networks of at most {space.max_length} tokens"
        some = tokens if len(tokens) <= FEW_TOKENS else (*tokens[:FEW_TOKENS], "...", tokens[-1])
        yield f"{len(tokens)} tokens", " ".join(some)
        if task is not None:
            yield "data", task.data_of().id
            yield "recipe", task.recipe_of().id
            yield "full", task.recipe_of(-1).id
        elif table is not None:
            yield "table", f"{table.dataset}, {table.recipe}"
        yield "metric", problem.metric.words
    except NasGymError as error:  # a keyword or the data are missing
        yield "not made", str(error)
    for part, keywords in keywords_by_part(env).items():
        if keywords:
            words = (name if each is REQUIRED else f"{name}={each!r}" for name, each in keywords.items())
            yield f"{part}:", ", ".join(words)


COMMANDS: dict[str, Callable[..., Command]] = {
    "search": Search,
    "fit": Fit,
    "predict": Predict,
    "retrain": Retrain,
    "benchmark": BenchmarkArguments,
    "tabulate": Tabulate,
    "rungs": Rungs,
    "export": Export,
    "export-store": ExportStore,
    "envs": Envs,
}


def main() -> None:
    """Run the command that stands on the command line."""
    command = tyro.extras.subcommand_cli_from_dict(COMMANDS, prog="nas-gym", description=DESCRIPTION)
    end_with(command.run, command.go_on)


def run_script(command: type[Command], description: str | None) -> None:
    """Run one command, whose arguments stand on the command line."""
    run(command, lambda args: args.run(), description, command.go_on)
