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
from agents.errors import AgentError
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.trainers.base import Child
from nas_gym.evaluators.trainers.pytorch import TorchTrainer
from nas_gym.kept.loading import load_network
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
    kept = load_network(first)
    assert summary.retrained is not None and str(kept.architecture) == summary.best.architecture
    assert kept.scores["test"]["accuracy"] == summary.retrained.test_mean, "of its one training"
    assert summary.best.architecture in out and "±" in out and "test accuracy" in out
    page = (first / "report.html").read_text()
    assert "MLPClassifier" in page and "Decision regions" in page and str(first / "report.html") in out
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
    assert f"rank {facts.rank} of 597870" in (tmp_path / "report.html").read_text()


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
    assert "Test data have not been read yet" in (tmp_path / "report.html").read_text()
    assert not (tmp_path / "pareto_front.png").exists(), "all cells of a base have one size"


CLIMBING: dict[str, Any] = {
    "env": "NAS-Digits-v0",
    "episodes": 30,
    "env_kwargs": {
        "train_samples": 60,
        "validation_samples": 50,
        "evaluator": "local",
        "space": {"name": "pyramid", "max_layers": 4, "filters": [4, 8], "kernels": [1, 3]},
        "recipe": {"epochs": 1},
        "middle": {"epochs": 2},
        "full": {"epochs": 2},
    },
}


@pytest.mark.slow  # four searches with trainings in PyTorch
@pytest.mark.timeout(120)
@pytest.mark.usefixtures("trainings")
def test_climb__interrupted_at_any_stage_and_resumed_chooses_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = run(tmp_path / "whole", **CLIMBING)
    assert "rung 1" in out and whole.finalists == len(whole.climbed) >= 3
    assert [each.rung for each in whole.climbed] == [1] * whole.finalists
    assert whole.best.architecture == whole.climbed[0].architecture
    assert "The climb: longer trainings of the best" in (tmp_path / "whole" / "report.html").read_text()
    rewards = [each.reward for each in whole.climbed]
    assert rewards == sorted(rewards, reverse=True)

    train = TorchTrainer.train
    started: list[Child] = []
    moment: tuple[int, int] | None = None

    def interrupted(self: TorchTrainer, child: Child, build: Any = None) -> Any:  # noqa: ANN401
        started.append(child)
        if (child.rung, sum(each.rung == child.rung for each in started)) == moment:
            raise KeyboardInterrupt
        return train(self, child, build)

    monkeypatch.setattr(TorchTrainer, "train", interrupted)
    for moment in ((0, 17), (1, 1), (1, whole.finalists)):
        path = tmp_path / f"cut at {moment}"
        started.clear()
        with pytest.raises(KeyboardInterrupt):
            run(path, **CLIMBING)
        moment = None
        cut, _ = run(path, resume=True, **CLIMBING)
        assert [replace(each, seconds=0.0) for each in cut.climbed] == [
            replace(each, seconds=0.0) for each in whole.climbed
        ]
        assert (cut.best, cut.retrained) == (whole.best, whole.retrained)
        assert len(started) == len(set(started)) + 1, "but the one that was under way none is trained twice"


@pytest.mark.slow  # a study
@pytest.mark.timeout(60)
@pytest.mark.usefixtures("trainings")
def test_minutes__end_the_search_and_are_kept(tmp_path: Path) -> None:
    summary, _ = run(tmp_path, episodes=10**6, minutes=0.05, env_kwargs={})
    assert 0.6 * 3.0 <= summary.times.search_seconds < 3.0
    assert 20 <= summary.episodes < 10**5
    again, _ = run(tmp_path, episodes=10**6, minutes=0.05, env_kwargs={}, resume=True)
    assert replace(again, times=summary.times) == summary, "its time is over"


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), "ten"])
def test_minutes__out_of_range_are_one_line(minutes: object, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        run(tmp_path / "run", minutes=minutes)
    assert "minutes must be a positive number" in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("trainings")
@pytest.mark.parametrize("order", ["arrival", "submission"])
def test_order__is_that_of_the_run_and_of_its_resumption(order: Any, tmp_path: Path) -> None:  # noqa: ANN401
    asked = {"env": "NAS-Bench-Moons-v0", "env_kwargs": {}, "order": order, "lanes": 16, "episodes": 60}
    summary, _ = run(tmp_path / "run", **asked)
    assert summary.episodes == 60
    config = json.loads((tmp_path / "run" / "config.json").read_text())["settings"]
    assert config["agent_arguments"]["order"] == order and config["num_envs"] == 16
    longer, _ = run(tmp_path / "run", resume=True, **asked)
    assert longer.best == summary.best


@pytest.mark.parametrize("agent", ["dqn", "reinforce_surrogate"])
def test_order__of_an_agent_that_has_none_is_refused(agent: str, tmp_path: Path) -> None:
    with pytest.raises(AgentError, match=f"{agent} with these arguments learns from whole batches alone"):
        run(tmp_path / "run", agent=agent, spec=None, order="arrival")
    assert not (tmp_path / "run").exists()
