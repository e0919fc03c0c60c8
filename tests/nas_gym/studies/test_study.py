import io
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import agents.reinforce  # noqa: F401, slow to import
from agents import AGENTS
from nas_gym.memory.store import EvaluationStore
from nas_gym.problems import registration
from nas_gym.studies.study import Study, run_study
from nas_gym.studies.summary import Summary

SMALL: dict[str, Any] = {"recipe": {"epochs": 1}}


def run(
    path: Path,
    encoding: str = "utf-8",
    **arguments: Any,  # noqa: ANN401, those of Study
) -> tuple[Summary, str]:
    """Run a small study; return its summary and what it printed."""
    defaults = {"env": "NAS-Moons-v0", "episodes": 40, "env_kwargs": SMALL, "spec": AGENTS["reinforce"]}
    written = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    study = Study(run_dir=path, **{**defaults, **arguments})
    summary = run_study(study, Console(file=written, width=100))
    assert summary is not None
    written.seek(0)
    return summary, written.read()


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each finalist, and the network that is chosen, be trained once more only."""
    problem = registration.problem
    monkeypatch.setattr(registration, "problem", lambda *a, **k: replace(problem(*a, **k), trainings=1))


@pytest.mark.slow  # two studies
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("trainings")
def test_store__spares_another_run_all_children(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    summary, out = run(first)
    with closing(EvaluationStore(first / "evaluations.sqlite")) as store:
        rows = list(store.rows())
        distinct = len({row["architecture"] for row in rows})
        assert len(rows) == distinct + 3 > 10, "finalists were trained again"
        again, _ = run(second, store=store.path)
        assert list(store.rows()) == rows
    assert not (second / "evaluations.sqlite").exists()
    assert (first / "evaluations.csv").read_bytes() == (second / "evaluations.csv").read_bytes()
    assert replace(again, times=summary.times) == summary
    assert {"LogisticRegression", "MLPClassifier"} == summary.baselines.keys()
    assert summary.best.architecture in out and "±" in out and "test accuracy" in out
    for picture in ("learning_curve.png", "pareto_front.png"):
        assert (first / picture).read_bytes().startswith(b"\x89PNG\r\n\x1a\n") and picture in out


@pytest.mark.slow  # a study
@pytest.mark.timeout(60)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_table__ends_with_what_it_says_of_the_network(encoding: str, tmp_path: Path) -> None:
    summary, out = run(tmp_path, env="NAS-Bench-Moons-v0", env_kwargs={}, encoding=encoding)
    facts = summary.table
    assert facts is not None and facts.architectures == 597_870 and summary.finalists == 1
    assert facts.regret == pytest.approx(facts.optimum - summary.best.score)
    assert summary.retrained is not None and summary.retrained.seeds == 3
    assert f"rank {facts.rank} of 597870 by mean validation accuracy" in out
    assert ("±" if encoding == "utf-8" else "+/-") + " is the standard deviation over seeds" in out
    assert json.loads((tmp_path / "summary.json").read_text())["table"]["rank"] == facts.rank
    assert not (tmp_path / "evaluations.sqlite").exists()


@pytest.mark.slow  # a study with trainings in PyTorch, after Numba has compiled what computes cells
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("compiled_cells", "trainings")
def test_brackets__end_beside_the_grammars_own_perplexity(tmp_path: Path) -> None:
    few: dict[str, Any] = {"evaluator": "local", "train_tokens": 2000, "validation_tokens": 500}
    few |= {"space": {"base": 2}, "recipe": {"units": 8, "epochs": 1}}
    summary, out = run(tmp_path, env="NAS-Brackets-v0", env_kwargs=few)
    limit = summary.metric.best_possible
    assert limit == pytest.approx(3.5636, abs=1e-4)
    assert limit is not None
    assert 0.98 * limit < summary.best_score <= summary.best.score, "but for chance, none is below the limit"
    assert f"perplexity {summary.best.score:.3f} (the grammar's own is {limit:.3f})" in out
    assert f"nas-gym retrain --run-dir {tmp_path} trains the best" in out
    assert summary.retrained is None and not (tmp_path / "retraining").exists()
    assert not (tmp_path / "pareto_front.png").exists(), "all cells of a base have one size"
