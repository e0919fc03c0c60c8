from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import SyncVectorEnv
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO

import nas_gym  # noqa: F401, registers the ids
from agents import AGENTS
from agents.errors import CheckpointError, InvalidArgumentError
from agents.sb3 import ALGORITHMS, Sb3Agent
from agents.sb3.agents import Algorithm
from tests.agents.doubles import Countdown, CountingEvaluator, make_vec

LANES = 16


@pytest.mark.parametrize("algorithm", [PPO, MaskablePPO])
def test_stable_baselines3__runs_without_anything_of_ours(algorithm: Any) -> None:  # noqa: ANN401
    env = gym.make("NAS-Moons-v0")
    model = algorithm("MlpPolicy", env, n_steps=64, device="cpu", seed=0).learn(128)
    assert model.num_timesteps == 128
    rewards = [episode["r"] for episode in model.ep_info_buffer]
    assert len(rewards) > 20 and max(rewards) > 0.8
    assert (min(rewards) == -1.0) == (algorithm is PPO)  # only masks keep it from illegal tokens


@pytest.mark.parametrize("name", ALGORITHMS)
def test_sb3_agent__children_that_end_in_one_step_are_evaluated_in_one_call(name: str) -> None:
    evaluator = CountingEvaluator()
    agent = Sb3Agent(make_vec(LANES, evaluator=evaluator), name).learn(200)
    steps = agent.model.num_timesteps // LANES
    assert evaluator.calls <= steps
    assert evaluator.children > 1.5 * evaluator.calls


@pytest.mark.parametrize("name", ALGORITHMS)
def test_sb3_agent__only_the_maskable_one_never_takes_an_illegal_token(name: str) -> None:
    evaluator = CountingEvaluator()
    env = make_vec(LANES, evaluator=evaluator)
    Sb3Agent(env, name).learn(100)
    illegal = [episode for episode in env.episodes if episode.status == "illegal"]
    assert (len(illegal) > 0) == (name != "maskable_ppo")
    assert all(episode.reward == -1.0 and episode.architecture is None for episode in illegal)
    distinct = {episode.architecture for episode in env.episodes if episode.architecture is not None}
    assert evaluator.children == len(distinct)  # an illegal token trains nothing


# A random agent's mean reward is about 0.885; after 2,000 architectures PPO's and MaskablePPO's last tenth
# is at 0.953, the mean of these seeds. One of each three settles early for a linear network, 0.90, so a
# single seed would say little. The margin is what has to lie between.
RANDOM_SCORE = 0.885
MARGIN = 0.05
SEEDS = 3


@pytest.mark.slow
@pytest.mark.timeout(180)  # trains thousands of networks, which is what is to be shown
@pytest.mark.parametrize("name", ["ppo", "maskable_ppo"])
def test_sb3_agent__beats_the_random_agent_and_stops_taking_illegal_tokens(name: str) -> None:
    scores = []
    for seed in range(SEEDS):
        env = make_vec(AGENTS[name].num_envs, evaluator="fused")
        Sb3Agent(env, name, seed=seed).learn(1_200)
        scores.append(np.mean([episode.reward for episode in env.episodes[-200:]]))
        illegal = [episode.status == "illegal" for episode in env.episodes]
        if name == "maskable_ppo":
            assert not any(illegal)
        else:
            assert sum(illegal[:200]) > 0
            assert sum(illegal[-200:]) < sum(illegal[:200])
    assert np.mean(scores) > RANDOM_SCORE + MARGIN


@pytest.mark.parametrize("name", ALGORITHMS)
def test_load_parameters__takes_over_what_was_saved(name: str, tmp_path: Path) -> None:
    env = make_vec(LANES)
    agent = Sb3Agent(env, name, seed=0).learn(150)
    path = tmp_path / agent.checkpoint_name
    agent.save(path)
    fresh = Sb3Agent(make_vec(LANES), name, seed=1)
    observations = np.random.default_rng(0).integers(11, size=(200, 6))
    saved, _ = agent.predict(observations, deterministic=True)
    assert not np.array_equal(fresh.predict(observations, deterministic=True)[0], saved)
    fresh.load_parameters(path)
    assert np.array_equal(fresh.predict(observations, deterministic=True)[0], saved)
    for mine, theirs in zip(fresh.model.policy.parameters(), agent.model.policy.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_load_parameters__other_files_are_one_line(tmp_path: Path) -> None:
    agent = Sb3Agent(make_vec(LANES), "ppo")
    whole = tmp_path / "whole.zip"
    agent.save(whole)
    content = whole.read_bytes()
    bad = {
        "empty.zip": b"",
        "text.zip": b"hello",
        "half.zip": content[: len(content) // 2],
        "short.zip": content[:-1],
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    torch.save([1, 2], tmp_path / "list.zip")
    Sb3Agent(make_vec(LANES), "dqn").save(tmp_path / "dqn.zip")
    Sb3Agent(make_vec(LANES, space={"widths": [4]}), "ppo").save(tmp_path / "actions.zip")
    (tmp_path / "folder.zip").mkdir()
    for name in (*bad, "list.zip", "dqn.zip", "actions.zip", "folder.zip", "missing.zip"):
        with pytest.raises(CheckpointError) as error:
            agent.load_parameters(tmp_path / name)
        assert name in str(error.value) and "\n" not in str(error.value), name


def test_predict__masks_reach_the_algorithm_that_knows_them() -> None:
    agent = Sb3Agent(make_vec(LANES), "maskable_ppo")
    masks = np.zeros((50, 10), dtype=np.bool_)
    masks[np.arange(50), np.arange(50) % 10] = True
    actions, _ = agent.predict(np.zeros((50, 6), dtype=np.int64), action_masks=masks)
    assert actions.tolist() == (np.arange(50) % 10).tolist()


def test_sb3_agent__unknown_algorithm_is_one_line_with_those_there_are() -> None:
    with pytest.raises(InvalidArgumentError) as error:
        Sb3Agent(make_vec(2), "sac")
    assert str(error.value) == f"unknown algorithm 'sac'; there are {', '.join(ALGORITHMS)}"


def test_sb3_agent__refuses_an_environment_in_another_autoreset_mode() -> None:
    with pytest.raises(InvalidArgumentError, match="SAME_STEP is needed"):
        Sb3Agent(SyncVectorEnv([Countdown] * 2), "ppo")


@pytest.mark.parametrize("name", ALGORITHMS)
def test_sb3_agent__given_hyperparameters_replace_the_defaults(name: str) -> None:
    chosen = ALGORITHMS[name]
    assert isinstance(chosen, Algorithm) and chosen.hyperparameters["learning_rate"] != 0.5
    agent = Sb3Agent(make_vec(LANES), name, learning_rate=0.5)
    assert type(agent.model) is chosen.model
    assert agent.model.learning_rate == 0.5 and agent.model.gamma == 1.0  # type: ignore[attr-defined]
