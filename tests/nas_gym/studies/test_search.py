import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from rich.progress import Progress

import agents.sb3  # noqa: F401, slow to import, and make_agent would do it inside a test's two seconds
from agents import AGENTS, make_agent
from nas_gym.envs.nas_env import GameRules, NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import RunFolderError
from nas_gym.evaluators.base import Evaluator
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.studies.run_folder import RunFolder
from nas_gym.studies.search import search
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import InstantEvaluator
from tests.nas_gym.studies.episodes import SETTINGS

LANES = {
    "reinforce": 8,
    "reinforce_surrogate": 8,
    "random_search": 8,
    "regularized_evolution": 8,
    "local_search": 8,
}  # the others' defaults need theirs
EPISODES = 60


class Killed(BaseException):
    """What a killed process leaves behind is what is on disk when this is raised."""


class StoppingEvaluator(InstantEvaluator):
    """Presses Ctrl-C after some calls."""

    def __init__(self, *calls: int) -> None:
        super().__init__()
        self._stops = calls

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        evaluations = super().evaluate(architectures, seeds, rung)
        if len(self.calls) in self._stops:
            os.kill(os.getpid(), signal.SIGINT)
        return evaluations


def start(
    name: str,
    path: Path,
    checkpoint_seconds: float = 0.0,
    evaluator: Evaluator | None = None,
    stochastic: bool = False,
) -> tuple[bool, RecordEvaluations]:
    """What a study does: open the folder, go on from its checkpoint, search."""
    lanes = LANES.get(name, AGENTS[name].num_envs)
    inner = NasEnv(MlpSpace(), evaluator or InstantEvaluator(), rules=GameRules(stochastic=stochastic))
    env = RecordEvaluations(NasVectorEnv(inner, lanes))
    agent = make_agent(name, env, 0, checkpoint=path / "checkpoint.pt")
    run = RunFolder(path, SETTINGS, resume=True)
    finished = search(agent, env, run, EPISODES, checkpoint_seconds, progress_bar=False)
    return finished, env


def evaluations(path: Path) -> bytes:
    return (path / "evaluations.csv").read_bytes()


@pytest.mark.parametrize("name", AGENTS)
def test_search__writes_every_episode_and_a_checkpoint(name: str, tmp_path: Path) -> None:
    finished, env = start(name, tmp_path)
    assert finished
    run = RunFolder(tmp_path, SETTINGS, resume=True)
    assert run.read_evaluations() == env.episodes[:EPISODES]
    assert len(run.read_evaluations()) == EPISODES
    checkpoint = "checkpoint.pt" if name in LANES else "model.zip"
    assert sorted(os.listdir(tmp_path)) == sorted(
        [checkpoint, "config.json", "evaluations.csv", "times.json"]
    )
    times = run.read_times()
    assert 0 < times.evaluation_seconds < times.search_seconds


def test_search__writes_no_more_often_than_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed: list[str] = []

    def replace(source: Path, target: Path) -> None:
        renamed.append(target.name)
        os.rename(source, target)

    monkeypatch.setattr("os.replace", replace)
    start("random_search", tmp_path / "seldom", checkpoint_seconds=1e6)
    assert renamed == ["config.json", "evaluations.csv", "checkpoint.pt", "times.json"]
    renamed.clear()
    start("random_search", tmp_path / "often")
    assert renamed.count("checkpoint.pt") == 8 + 1  # 60 episodes in batches of 8, and the end


@pytest.mark.slow
@pytest.mark.timeout(30)  # sixteen searches
@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize("name", ["reinforce", "ppo"])
def test_search__killed_at_any_write_it_ends_as_if_it_never_was(
    name: str, stochastic: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 0.05 if name not in LANES else 0.0  # stable-baselines3's would write at each step
    start(name, tmp_path / "whole", seconds, stochastic=stochastic)
    writes = 0
    deadline: int | None = None

    def replace(source: Path, target: Path) -> None:
        nonlocal writes
        if writes == deadline:
            raise Killed
        writes += 1
        os.rename(source, target)

    monkeypatch.setattr("os.replace", replace)
    for deadline in [1, 2, 3, 5, 9]:
        path = tmp_path / f"killed after {deadline}"
        for _ in range(2):  # twice in a row; the second time it may get to the end
            writes = 0
            with suppress(Killed):
                start(name, path, seconds, stochastic=stochastic)
        writes, deadline = 0, None
        finished, _ = start(name, path, seconds, stochastic=stochastic)
        assert finished
        assert evaluations(path) == evaluations(tmp_path / "whole")


@pytest.mark.parametrize("name", ["reinforce", "ppo"])
def test_search__killed_soon_after_resuming_it_forgets_nothing_that_was_trained(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(name, tmp_path, evaluator=StoppingEvaluator(8))
    before = evaluations(tmp_path)

    def replace(source: Path, target: Path) -> None:
        if target.name != "evaluations.csv":
            raise Killed
        os.rename(source, target)

    monkeypatch.setattr("os.replace", replace)
    with pytest.raises(Killed):
        start(name, tmp_path)
    assert evaluations(tmp_path).startswith(before)


def test_search__a_finished_run_stays_as_it_is(tmp_path: Path) -> None:
    for name in ("reinforce", "ppo"):
        start(name, tmp_path / name, checkpoint_seconds=1e6)
        before = evaluations(tmp_path / name)
        finished, _ = start(name, tmp_path / name, checkpoint_seconds=1e6)
        assert finished and evaluations(tmp_path / name) == before


def test_search__adds_up_the_times_of_interrupted_parts(tmp_path: Path) -> None:
    path = tmp_path / "run"
    start("random_search", path, evaluator=StoppingEvaluator(3))
    first = json.loads((path / "times.json").read_text())
    (path / "times.json").write_text(json.dumps({name: value + 100 for name, value in first.items()}))
    start("random_search", path)
    second = json.loads((path / "times.json").read_text())
    assert all(second[name] > first[name] + 100 for name in first)


@pytest.mark.parametrize("name", AGENTS)
def test_search__ctrl_c_ends_cleanly_and_the_run_can_go_on(name: str, tmp_path: Path) -> None:
    start(name, tmp_path / "whole", checkpoint_seconds=1e6)
    before = signal.getsignal(signal.SIGINT)
    path = tmp_path / "interrupted"
    finished, env = start(name, path, checkpoint_seconds=1e6, evaluator=StoppingEvaluator(6))
    assert not finished
    assert signal.getsignal(signal.SIGINT) is before
    episodes = RunFolder(path, SETTINGS, resume=True).read_evaluations()
    assert episodes == env.episodes and 0 < len(episodes) < EPISODES
    assert (path / ("checkpoint.pt" if name in LANES else "model.zip")).exists()
    finished, _ = start(name, path, checkpoint_seconds=1e6)
    assert finished and evaluations(path) == evaluations(tmp_path / "whole")


def test_search__second_ctrl_c_interrupts_at_once(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    evaluator = StoppingEvaluator(2, 3)
    with pytest.raises(KeyboardInterrupt):
        start("random_search", tmp_path, evaluator=evaluator)
    assert len(evaluator.calls) == 3
    assert signal.getsignal(signal.SIGINT) is before


def test_search__checkpoint_that_knows_more_than_the_evaluations_is_refused(tmp_path: Path) -> None:
    start("random_search", tmp_path)
    (tmp_path / "evaluations.csv").unlink()
    with pytest.raises(RunFolderError, match=r"checkpoint after 60 episodes, but evaluations\.csv holds 0"):
        start("random_search", tmp_path)


def test_search__that_goes_on_shows_what_was_done_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("random_search", tmp_path, evaluator=StoppingEvaluator(3))
    bars: list[Progress] = []
    monkeypatch.setattr(Progress, "start", lambda bar: bars.append(bar))
    _, env = start("random_search", tmp_path, evaluator=StoppingEvaluator(1))
    (task,) = bars[0].tasks
    assert (task.total, task.completed) == (EPISODES, len(env.episodes)) and task.completed > 8
    assert task.fields["best"] == f"{max(episode.reward for episode in env.episodes):#.4g}"
