"""Episodes for tests."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import nas_gym
from nas_gym.envs.episode import Episode
from nas_gym.files import Json, write_json
from nas_gym.studies.run_folder import RunFolder, RunSettings

SETTINGS = RunSettings(
    env="NAS-Moons-v0",
    env_kwargs={"noise": 0.3, "space": {"widths": (4, 8)}},
    agent="reinforce",
    agent_arguments={"cell": "gru"},
    num_envs=20,
    seed=7,
    episodes=6,
    task="moons",
    recipe="adam",
    test_checksum="abc",
)


def trained(
    architecture: str,
    score: float,
    parameters: int | None = 5,
    multiply_adds: int | None = None,
    metric: str = "accuracy",
) -> Episode:
    """Return an episode whose child was trained; its reward is its score."""
    return Episode(0, architecture, score, "ok", {metric: score}, parameters, multiply_adds, 0)


def failed(architecture: str, status: str = "failed", reason: str | None = None) -> Episode:
    """Return an episode whose child failed."""
    return Episode(0, architecture, -1.0, status, seed=0, reason=reason)


ILLEGAL = Episode(0, None, -1.0, "illegal")


def numbered(*episodes: Episode) -> list[Episode]:
    """Return episodes as a run has them."""
    return [replace(each, number=number) for number, each in enumerate(episodes, start=1)]


def finished_run(path: Path, env: str, keywords: Mapping[str, Json], *architectures: str) -> Path:
    """Write the folder of a finished run that found these networks, the best one first."""
    problem = nas_gym.problem(env, **keywords)
    task, metric = problem.task, problem.metric.name
    checksum = None if task is None else task.data_of().test_checksum
    settings = replace(SETTINGS, env=env, env_kwargs=keywords, test_checksum=checksum)
    scores = (0.9 - 0.1 * place for place in range(len(architectures)))
    episodes = numbered(
        *(trained(*known, metric=metric) for known in zip(architectures, scores, strict=True))
    )
    RunFolder(path, settings, resume=False).write_evaluations(episodes)
    write_json(path / "summary.json", {"best": {"architecture": architectures[0]}})
    return path
