"""Train a run's best networks from scratch, beside hand-designed references, and read the test data."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import torch
from command_line import SAME_COMMAND, parse_keywords, run
from rich.progress import track

from agents.files import write_atomically
from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.assembly import assemble
from nas_gym.studies.comparison import Comparison
from nas_gym.studies.models import found_models, reference_models, retraining_keywords, schooling_of
from nas_gym.studies.retraining import retrain_estimators
from nas_gym.studies.retraining_folder import RetrainingFolder
from nas_gym.studies.run_folder import read_run
from nas_gym.studies.summary import RANKED_BY, finalists


@dataclass
class Args:
    """Which networks to train again, and how."""

    run_dir: Path
    """Folder of a finished run of train_reinforce.py or train_sb3.py."""
    top: int = 3
    """So many networks of the run are trained: the one it chose, and the next by reward."""
    seeds: int = 3
    """Trainings of each network."""
    env: str | None = None
    """Id of another environment with the same search space, to train the networks in: transfer. Its
    results go to a folder of that name in the run's. By default that of the run."""
    env_kwargs: list[str] = field(default_factory=list)
    """Keywords of data and recipe as name=value, for example epochs=5 or recipe=paper, instead of the
    environment's own; the device is one of them, device=cuda, and by default that of the search."""
    processes: int = field(default_factory=joblib.cpu_count)
    """Trainings at the same time, with one thread each; by default one a core."""


def main(args: Args) -> int:
    """Train what is not trained yet, write comparison.json, comparison.md and winner.pt."""
    if min(args.top, args.seeds, args.processes) < 1:
        raise InvalidArgumentError("top, seeds and processes must be positive integers")
    settings, rows, summary = read_run(args.run_dir, RANKED_BY)
    searched_in = settings["env"]
    env = searched_in if args.env is None else args.env.removeprefix("nas_gym:")
    given = parse_keywords(args.env_kwargs)
    keywords = retraining_keywords(env, settings["env_kwargs"], given, searched_in)
    parts = assemble(env, **keywords)
    schooling = schooling_of(parts, keywords.get("device", "cpu"))
    data, folder = schooling.data, args.run_dir if env == searched_in else args.run_dir / env
    # Other data than the search had: it has seen nothing of their test part, whatever the split.
    if env == searched_in and "test_checksum" not in settings:
        raise InvalidArgumentError(
            f"the run in {args.run_dir} does not tell which test data it locked away: it is of an earlier "
            "version, search anew"
        )
    if env == searched_in and data.test_checksum != settings["test_checksum"]:
        raise InvalidArgumentError(
            f"{data.id} has other test data than the search in {args.run_dir} locked away: "
            "its new test part may hold what the search has seen"
        )
    best = [summary["best"], *finalists(rows, args.top)]
    found = found_models(parts, list(dict.fromkeys(row["architecture"] for row in best))[: args.top])
    models = [*found, *reference_models(parts, found[0])]
    trainings = RetrainingFolder(folder / "retraining", models, schooling, args.seeds)
    missing = len(trainings.missing())
    print(f"{data.id}\n{schooling.recipe.id}\n{len(models)} networks, {args.seeds} seeds each")
    if missing < len(trainings):
        print(f"{len(trainings) - missing} of {len(trainings)} trainings are in {folder} already")
    for _ in track(trainings.train(args.processes), "trainings", missing, disable=not missing):
        pass
    contenders = trainings.contenders()
    if parts.dataset is not None:
        contenders += retrain_estimators(parts.dataset, parts.reference_models, args.seeds)
    corpus = parts.corpus
    compared = Comparison(
        contenders,
        schooling.task.metric,
        by_character=corpus is not None and corpus.unit == "character",
        best_possible=None if corpus is None else corpus.best_perplexity,
    )
    winner, table, verdict = compared.winner, compared.markdown(), compared.verdict()
    comparison = {
        "env": env,
        "dataset": data.id,
        "recipe": schooling.recipe.id,
        "seeds": args.seeds,
        "best_possible": compared.best_possible,
        "winner": None if winner is None else winner.name,
        "verdict": verdict,
        "models": compared.as_json(),
    }
    text = json.dumps(comparison, indent=2) + "\n"
    folder.mkdir(exist_ok=True)
    write_atomically(folder / "comparison.json", lambda path: path.write_text(text))
    write_atomically(folder / "comparison.md", lambda path: path.write_text(f"{table}\n{verdict}\n"))
    (folder / "winner.pt").unlink(missing_ok=True)  # of an earlier comparison
    written = ["comparison.json", "comparison.md"]
    if winner is not None:
        seed, weights = trainings.best_weights(winner.name)
        # Wherever it was trained, it can be read on any machine.
        anywhere = {name: keywords[name] for name in keywords if name not in ("device", "precision")}
        saved = {"env": env, "env_kwargs": anywhere, "architecture": winner.name, "seed": seed}
        saved["state_dict"] = weights
        write_atomically(folder / "winner.pt", lambda path: torch.save(saved, path))
        written.append("winner.pt")
    print(f"\n{table}\n{verdict}\n\nin {folder}: {', '.join(written)}")
    return 0


if __name__ == "__main__":
    run(Args, main, __doc__ or "", SAME_COMMAND)
