"""Train a run's best networks from scratch, beside hand-designed references, and read the test data."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from statistics import mean
from tempfile import TemporaryDirectory

import joblib
import torch
from command_line import parse_keywords, run
from rich.progress import track
from torch import nn

from agents.errors import RunFolderError
from agents.files import write_atomically
from agents.runs import read_run
from agents.runs.summary import finalists
from nas_gym.envs.assembly import Parts, assemble_for_retraining
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluation import TrainingRecipe
from nas_gym.evaluation.base import repeat_seeds
from nas_gym.evaluation.comparison import Contender, markdown, verdict, winner
from nas_gym.evaluation.retraining import Retraining, module_size, reference_models, retrain_once
from nas_gym.evaluation.worker import end_with
from nas_gym.search_spaces import Architecture


@dataclass
class Args:
    """Which networks to train again, and how."""

    run_dir: Path
    """Folder of a finished run of train_reinforce.py or train_sb3.py."""
    top: int = 3
    """So many networks of the run are trained: the one it chose, and the next by reward."""
    seeds: int = 3
    """Trainings of each network."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of data and recipe as name=value, for example epochs=5, instead of the environment's own."""
    device: str = "cpu"
    """PyTorch's name of the device."""
    processes: int = field(default_factory=joblib.cpu_count)
    """Trainings at the same time, with one thread each; by default one a core."""


@dataclass(frozen=True)
class Model:
    """A network to train.

    Attributes:
        architecture: Its description; of a reference, its name alone.
        build: Makes the module.
        found: Whether the search found it.
    """

    architecture: Architecture
    build: Callable[[Architecture], nn.Module]
    found: bool


def main(args: Args) -> int:
    """Train what is not trained yet, write comparison.json, comparison.md and winner.pt."""
    if min(args.top, args.seeds, args.processes) < 1:
        raise InvalidArgumentError("top, seeds and processes must be positive integers")
    settings, rows, summary = read_run(args.run_dir)
    parts = assemble_for_retraining(settings["env"], settings["env_kwargs"], parse_keywords(args.env_kwargs))
    if parts.corpus is not None:
        raise InvalidArgumentError(f"{settings['env']} has language models, which are not retrained yet")
    assert parts.dataset is not None and parts.recipe is not None
    if parts.dataset.test_checksum != settings.get("test_checksum"):
        raise InvalidArgumentError(
            f"{parts.dataset.id} has other test data than the search in {args.run_dir} locked away: "
            "its new test part may hold what the search has seen"
        )
    best = [summary["best"], *finalists(rows, args.top)]
    names = list(dict.fromkeys(row["architecture"] for row in best))[: args.top]
    models = [*found_models(parts, names), *reference_networks(parts)]
    print(f"{parts.dataset.id}\n{parts.recipe.id}\n{len(models)} networks, {args.seeds} seeds each")
    trained = train_all(args, parts, models)
    contenders = [contender(model, trained[model.architecture], parts) for model in models]
    contenders += reference_estimators(parts, args.seeds)
    champion = winner(contenders)
    weights = max(
        (
            t
            for model in models
            if str(model.architecture) == champion.name
            for t in trained[model.architecture]
        ),
        key=lambda training: training.validation,
    ).weights
    table, sentence = markdown(contenders), verdict(contenders)
    comparison = {
        "env": settings["env"],
        "dataset": parts.dataset.id,
        "recipe": parts.recipe.id,
        "seeds": args.seeds,
        "winner": champion.name,
        "verdict": sentence,
        "models": [each.as_summary() for each in contenders],
    }
    text = json.dumps(comparison, indent=2) + "\n"
    write_atomically(args.run_dir / "comparison.json", lambda path: path.write_text(text))
    write_atomically(args.run_dir / "comparison.md", lambda path: path.write_text(f"{table}\n{sentence}\n"))
    write_atomically(args.run_dir / "winner.pt", lambda path: torch.save(weights, path))
    print(f"\n{table}\n{sentence}\n\ncomparison.json, comparison.md and winner.pt are in {args.run_dir}")
    return 0


def found_models(parts: Parts, names: Sequence[str]) -> list[Model]:
    """Return the networks that the search found."""
    assert parts.build is not None
    return [Model(parts.search_space.parse(name), parts.build, found=True) for name in names]


def reference_networks(parts: Parts) -> list[Model]:
    """Return the hand-designed networks."""
    return [
        Model(Architecture("reference", (name,)), ReferenceBuilder(make), found=False)
        for name, make in parts.reference_networks.items()
    ]


@dataclass(frozen=True)
class ReferenceBuilder:
    """Builds a hand-designed network, whatever the architecture."""

    make: Callable[[], nn.Module]

    def __call__(self, architecture: Architecture) -> nn.Module:
        """Return its module."""
        return self.make()


def train_all(args: Args, parts: Parts, models: Sequence[Model]) -> dict[Architecture, list[Retraining]]:
    """Train every model with every seed, but those whose results are in the run folder already."""
    assert parts.dataset is not None and parts.recipe is not None
    jobs = [
        (model, seed, result_file(args, parts, model, seed))
        for model in models
        for seed in repeat_seeds("retraining", model.architecture, args.seeds)
    ]
    missing = [job for job in jobs if not job[2].exists()]
    if len(missing) < len(jobs):
        print(f"{len(jobs) - len(missing)} of {len(jobs)} trainings are in {args.run_dir} already")
    with TemporaryDirectory(prefix="nas_gym-") as folder:
        data = Path(folder) / "dataset.joblib"  # mapped into memory by all workers
        joblib.dump(parts.dataset, data)
        training = joblib.Parallel(args.processes, return_as="generator_unordered")(
            joblib.delayed(train_and_write)(model, data, parts.recipe, seed, args.device, file, os.getpid())
            for model, seed, file in missing
        )
        for _ in track(training, "trainings", len(missing)):
            pass
    found: dict[Architecture, list[Retraining]] = {}
    for model, _, file in jobs:
        found.setdefault(model.architecture, []).append(read_training(file))
    return found


def result_file(args: Args, parts: Parts, model: Model, seed: int) -> Path:
    """Return the file of one training; its name says all that the result depends on."""
    assert parts.dataset is not None and parts.recipe is not None
    known = (str(model.architecture), parts.dataset.checksum, parts.recipe.id, args.device, str(seed))
    return args.run_dir / "retraining" / f"{sha256('|'.join(known).encode()).hexdigest()[:24]}.pt"


def train_and_write(
    model: Model, data: Path, recipe: TrainingRecipe, seed: int, device: str, file: Path, parent: int
) -> None:
    """Train once in a worker process and keep the result."""
    torch.set_num_threads(1)
    end_with(parent)
    dataset = joblib.load(data, mmap_mode="c")  # copied on write, that is, never
    training = retrain_once(model.architecture, model.build, dataset, recipe, seed, device)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, lambda path: torch.save(asdict(training), path))


def read_training(file: Path) -> Retraining:
    """Read what ``train_and_write`` wrote."""
    try:
        return Retraining(**torch.load(file, weights_only=True))
    except (RuntimeError, TypeError, EOFError, UnpicklingError):
        raise RunFolderError(f"{file} is damaged; delete it and start again") from None


def contender(model: Model, trainings: Sequence[Retraining], parts: Parts) -> Contender:
    """Say what came of a network's trainings."""
    assert parts.dataset is not None
    shape, classes = parts.dataset.train.features.shape[1:], parts.dataset.classes
    size = parts.search_space.size(model.architecture, shape, classes) if model.found else None
    size = size or module_size(model.build(model.architecture), shape)
    return Contender(
        name=str(model.architecture),
        found=model.found,
        validation_accuracies=tuple(training.validation for training in trainings),
        test_accuracies=tuple(training.test for training in trainings),
        parameters=size.parameters,
        multiply_adds=size.multiply_adds,
        seconds=mean(training.seconds for training in trainings),
        losses=trainings[0].losses,
    )


def reference_estimators(parts: Parts, seeds: int) -> list[Contender]:
    """Train scikit-learn's models; one without a random start comes out alike with every seed."""
    assert parts.dataset is not None
    models = reference_models(parts.dataset, parts.reference_models, seeds)
    return [
        Contender(
            name,
            found=False,
            validation_accuracies=accuracies.validation * (seeds // len(accuracies.validation)),
            test_accuracies=accuracies.test * (seeds // len(accuracies.test)),
        )
        for name, accuracies in models.items()
    ]


if __name__ == "__main__":
    run(Args, main, __doc__ or "")
