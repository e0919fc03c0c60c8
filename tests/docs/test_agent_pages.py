import re
from pathlib import Path

import gymnasium as gym
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents import AGENTS, make_agent
from tests.docs.pages import PAGES

ENOUGH = {"dqn": 700}
"""Architectures until everything is logged; for the others a hundred."""


@pytest.mark.slow  # stable-baselines3 takes seconds to import, DQN to warm up
@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore")  # TensorBoard's own
@pytest.mark.parametrize("name", AGENTS)
def test_tags__are_those_that_are_logged(name: str, tmp_path: Path) -> None:
    env = gym.make_vec("nas_gym:NAS-Bench-Moons-v0", num_envs=AGENTS[name].num_envs)
    make_agent(name, env, 0, tensorboard_log=tmp_path).learn(ENOUGH.get(name, 100))
    logged = set()
    for file in tmp_path.rglob("events*"):
        events = EventAccumulator(str(file))
        events.Reload()
        logged |= set(events.Tags()["scalars"])
    assert logged == set(re.findall(r"^\| `(\w+/\w+)` \|", PAGES[f"docs/agents/{name}.md"], re.MULTILINE))
