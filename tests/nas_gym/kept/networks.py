"""Trained networks, kept for tests."""

from pathlib import Path
from typing import Any

import nas_gym
from nas_gym.kept.folder import write_folder
from nas_gym.kept.keeping import describe
from nas_gym.problems.problem import Problem


def kept(folder: Path, env: str, architecture: str, **keywords: Any) -> tuple[Path, Problem]:  # noqa: ANN401
    """Train a network fully and keep it as a study does; return where it is and what it learned."""
    problem = nas_gym.problem(env, **{"evaluator": "local", **keywords})
    task, space = problem.task, problem.search_space
    assert task is not None
    network = task.build(space, parsed := space.parse(architecture), -1)
    outcome = task.train(network, seed=0, rung=-1)
    assert outcome.reason is None, outcome.reason
    scores = {part: task.judge(network, part, -1) for part in ("validation", "test")}
    write_folder(folder, describe(task, space, parsed, scores, env=env), network.state_dict())
    return folder, problem
