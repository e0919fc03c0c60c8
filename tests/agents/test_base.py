import inspect
import os
import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

import agents.sb3  # noqa: F401, slow to import, and make_agent would do it inside a test's two seconds
from agents import AGENTS, AgentError, agent_spec, make_agent
from agents.base import EpisodicAgent
from agents.errors import CheckpointError, InvalidArgumentError
from agents.random import RandomAgent
from agents.reinforce import Reinforce
from nas_gym.envs.wrappers import RecordEvaluations
from tests.agents.doubles import Countdown, CountingEvaluator, make_vec

EPISODES = 120
EPISODIC = [name for name, spec in AGENTS.items() if issubclass(spec.load(), EpisodicAgent)]


def play(name: str, seed: int, **keywords: Any) -> tuple[Any, RecordEvaluations]:  # noqa: ANN401
    env = make_vec(AGENTS[name].num_envs, **keywords)
    return make_agent(name, env, seed).learn(EPISODES), env


# --- Every agent that is registered ---


@pytest.mark.parametrize("name", AGENTS)
def test_agent__plays_as_many_episodes_as_asked_for(name: str) -> None:
    evaluator = CountingEvaluator()
    agent, env = play(name, 0, evaluator=evaluator)
    assert agent.num_architectures == len(env.episodes)
    # stable-baselines3 counts lanes that end in the same step together
    allowed = 0 if name in EPISODIC else AGENTS[name].num_envs - 1
    assert EPISODES <= len(env.episodes) <= EPISODES + allowed
    trained = {episode.architecture for episode in env.episodes if episode.status == "ok"}
    assert evaluator.children == len(trained)
    before = len(env.episodes)
    assert agent.learn(0) is agent and len(env.episodes) == before
    agent.learn(30)
    assert before + 30 <= agent.num_architectures == len(env.episodes) <= before + 30 + allowed


@pytest.mark.slow
@pytest.mark.timeout(20)  # three searches
@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize("name", AGENTS)
def test_agent__same_seed_same_episodes_and_another_seed_others(name: str, stochastic: bool) -> None:
    first, same, other = (play(name, seed, stochastic=stochastic)[1].episodes for seed in (3, 3, 4))
    assert first == same
    assert [episode.architecture for episode in first] != [episode.architecture for episode in other]
    seeds = [episode.seed for episode in first if episode.status == "ok"]
    assert len(set(seeds)) == (len(seeds) if stochastic else 1)  # no child's seed comes again


@pytest.mark.slow
@pytest.mark.timeout(20)  # two searches
@pytest.mark.parametrize("name", AGENTS)
def test_agent__does_not_depend_on_the_global_generators(name: str) -> None:
    np.random.seed(1)
    torch.manual_seed(1)
    first = play(name, 3)[1].episodes
    np.random.seed(2)
    torch.manual_seed(2)
    assert play(name, 3)[1].episodes == first


@pytest.mark.parametrize("name", AGENTS)
def test_agent__predicts_single_and_batched_observations(name: str) -> None:
    agent, env = play(name, 0)
    observations, infos = env.reset(seed=0)
    masks = infos["action_mask"].astype(np.bool_)
    for given in (None, masks):
        actions, state = agent.predict(observations, action_masks=given, deterministic=True)
        assert state is None
        assert actions.shape == (env.num_envs,) and np.issubdtype(actions.dtype, np.integer)
        assert ((actions >= 0) & (actions < 10)).all()
        action, _ = agent.predict(observations[0], action_masks=None if given is None else given[0])
        assert np.shape(action) == () and 0 <= int(action) < 10


@pytest.mark.parametrize("name", AGENTS)
def test_agent__callback_that_returns_false_ends_learning(name: str) -> None:
    env = make_vec(AGENTS[name].num_envs)
    calls = []

    def callback(agent: Any) -> bool:  # noqa: ANN401
        calls.append(agent.num_architectures)
        return len(calls) < 2

    agent = make_agent(name, env, 0)
    agent.learn(10_000, callback=callback)
    assert len(calls) == 2 and calls[-1] == agent.num_architectures == len(env.episodes) < 1_000


@pytest.mark.parametrize("name", AGENTS)
def test_agent__saves_whole_files_only(name: str, tmp_path: Path) -> None:
    agent = make_agent(name, make_vec(AGENTS[name].num_envs), 0)
    path = tmp_path / agent.checkpoint_name
    agent.save(path)
    first = path.stat().st_size
    agent.learn(30).save(path)
    assert path.stat().st_size > 0.5 * first
    assert os.listdir(tmp_path) == [agent.checkpoint_name]
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        agent.save(tmp_path / "file" / "checkpoint")


@pytest.mark.parametrize("name", AGENTS)
def test_agent__logs_the_reward_to_tensorboard(name: str, tmp_path: Path) -> None:
    make_agent(name, make_vec(AGENTS[name].num_envs), 0, tensorboard_log=tmp_path).learn(EPISODES)
    (events,) = tmp_path.rglob("events.out.tfevents.*")
    accumulator = EventAccumulator(str(events))
    accumulator.Reload()
    assert "rollout/ep_rew_mean" in accumulator.Tags()["scalars"]
    if name in EPISODIC:
        steps = [event.step for event in accumulator.Scalars("rollout/ep_rew_mean")]
        assert steps == [*range(AGENTS[name].num_envs, EPISODES, AGENTS[name].num_envs), EPISODES]


@pytest.mark.parametrize("name", EPISODIC)
def test_agent__logs_every_update_that_a_checkpoint_knows(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Files of one second are read in the order of this number as text, so it must not get a digit more.
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))
    lanes = AGENTS[name].num_envs
    agent = make_agent(name, make_vec(lanes), 0, tensorboard_log=tmp_path / "log")
    for _ in range(3):
        agent.learn(lanes)
    agent.save(tmp_path / "checkpoint.pt")
    agent.learn(lanes)  # is lost, as by a kill
    resumed = make_agent(name, make_vec(lanes), 0, tmp_path / "log", tmp_path / "checkpoint.pt")
    resumed.learn(lanes)
    accumulator = EventAccumulator(str(tmp_path / "log"))
    accumulator.Reload()
    steps = [event.step for event in accumulator.Scalars("rollout/ep_rew_mean")]
    assert steps == [lanes * update for update in range(1, 5)]


@pytest.mark.parametrize("name", AGENTS)
def test_agent__refuses_an_impossible_budget(name: str) -> None:
    agent = make_agent(name, make_vec(AGENTS[name].num_envs), 0)
    wrong: list[Any] = [-1, 1.5, True, "10", None]
    for total in wrong:
        with pytest.raises(InvalidArgumentError, match="total_architectures must be an integer from 0, got"):
            agent.learn(total)


@pytest.mark.parametrize("seed", [-1, 2**63, 0.5, None])
@pytest.mark.parametrize("name", AGENTS)
def test_agent__refuses_an_impossible_seed(name: str, seed: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError, match="seed must be an integer from 0") as error:
        make_agent(name, make_vec(AGENTS[name].num_envs), seed)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", AGENTS)
def test_agent__takes_large_seeds_or_says_how_large_they_may_be(name: str) -> None:
    for seed in (2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1):
        try:
            make_agent(name, make_vec(AGENTS[name].num_envs), seed).learn(20)
        except InvalidArgumentError as error:
            assert "seed must be an integer from 0" in str(error)


@pytest.mark.parametrize("name", AGENTS)
def test_agent__can_be_made_without_naming_its_class(name: str) -> None:
    agent = make_agent(name, make_vec(AGENTS[name].num_envs), 0)
    assert name.startswith(agent.name)  # a form of an agent has a name of its own, its class has one
    assert type(agent) is agent_spec(name).load()


def test_agent_spec__unknown_name_is_one_line_with_those_there_are() -> None:
    with pytest.raises(InvalidArgumentError) as error:
        agent_spec("reinforced")
    assert str(error.value) == f"unknown agent 'reinforced'; there are {', '.join(AGENTS)}"


def test_errors__are_values_that_pickle() -> None:
    error = pickle.loads(pickle.dumps(InvalidArgumentError("what came")))
    assert str(error) == "what came" and isinstance(error, AgentError) and isinstance(error, ValueError)


# --- Every agent that learns from whole episodes ---


@pytest.mark.parametrize("total", [1, 7, 8, 30])
@pytest.mark.parametrize("name", EPISODIC)
def test_episodic_agent__trains_exactly_the_children_asked_for(name: str, total: int) -> None:
    evaluator = CountingEvaluator()
    env = make_vec(8, evaluator=evaluator)
    agent = make_agent(name, env, 0).learn(total)
    assert agent.num_architectures == len(env.episodes) == total
    assert evaluator.children == len({episode.architecture for episode in env.episodes})
    assert agent.num_updates == -(-total // 8)
    assert {episode.status for episode in env.episodes} == {"ok"}


@pytest.mark.parametrize("name", EPISODIC)
def test_episodic_agent__learning_in_two_parts_equals_learning_at_once(name: str) -> None:
    envs = [make_vec(8), make_vec(8)]
    make_agent(name, envs[0], 0).learn(40)
    make_agent(name, envs[1], 0).learn(16).learn(24)
    assert envs[0].episodes == envs[1].episodes


@pytest.mark.parametrize("stochastic", [False, True])
@pytest.mark.parametrize("name", EPISODIC)
def test_episodic_agent__loaded_goes_on_exactly_as_the_saved_one_would_have(
    name: str, stochastic: bool, tmp_path: Path
) -> None:
    path, ends = tmp_path / "checkpoint.pt", [tmp_path / "uninterrupted.pt", tmp_path / "interrupted.pt"]
    envs = [make_vec(8, stochastic=stochastic) for _ in range(3)]
    make_agent(name, envs[0], 5).learn(60).save(ends[0])
    make_agent(name, envs[1], 5).learn(24).save(path)
    envs[2].reset(seed=77)  # what the environment did before does not matter
    resumed = make_agent(name, envs[2], 99, checkpoint=path)
    assert (resumed.seed, resumed.num_architectures, resumed.num_updates) == (5, 24, 3)
    resumed.learn(36).save(ends[1])
    rewards = [[episode.reward for episode in env.episodes] for env in envs]
    assert rewards[0] == rewards[1] + rewards[2]
    first, second = (torch.load(end, weights_only=True) for end in ends)
    assert _same(first, second)
    assert not _same(first, torch.load(path, weights_only=True))


@pytest.mark.parametrize("name", EPISODIC)
def test_episodic_agent__save_and_load_keep_every_argument(name: str, tmp_path: Path) -> None:
    agent_class = AGENTS[name].load()
    agent = agent_class(make_vec(2), seed=1)
    names = set(inspect.signature(agent_class).parameters) - {"env", "seed", "tensorboard_log"}
    agent.save(tmp_path / "checkpoint.pt")
    assert set(torch.load(tmp_path / "checkpoint.pt", weights_only=True)["settings"]) == names


@pytest.mark.parametrize("name", EPISODIC)
def test_load__truncated_file_is_one_line(name: str, tmp_path: Path) -> None:
    agent = make_agent(name, make_vec(2), 0).learn(4)
    path = tmp_path / "checkpoint.pt"
    agent.save(path)
    whole = path.read_bytes()
    for length in [0, 1, 2, 100, *range(0, len(whole), len(whole) // 12), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError) as error:
            type(agent).load(path, make_vec(2))
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def _save_sb3(path: Path) -> None:
    make_agent("ppo", make_vec(16), 0).save(path)


BYTES = [b"hello", b"a,b\n1,2\n", b"(1, 2)", b"\x80\x04.", b"\x00" * 100, b"PK\x03\x04", b"cos\nsystem\n"]
FOREIGN: dict[str, Callable[[Path], object]] = {
    **{repr(content): partial(Path.write_bytes, data=content) for content in BYTES},
    "a list": lambda path: torch.save([1, 2], path),
    "an empty dict": lambda path: torch.save({}, path),
    "a module": lambda path: torch.save(torch.nn.Linear(1, 1), path),
    "another agent's": lambda path: RandomAgent(make_vec(2)).save(path),
    "stable-baselines3's": _save_sb3,
    "a folder": lambda path: path.mkdir(),
    "nothing": lambda path: None,
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_load__foreign_file_is_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    FOREIGN[kind](path)
    with pytest.raises(CheckpointError) as error:
        Reinforce.load(path, make_vec(2))
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", EPISODIC)
def test_load__incomplete_checkpoint_is_one_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    agent = make_agent(name, make_vec(2), 0).learn(4)
    agent.save(path)
    whole = torch.load(path, weights_only=True)
    broken = [{k: v for k, v in whole.items() if k != gone} for gone in whole]
    broken += [
        {**whole, "state": {k: v for k, v in whole["state"].items() if k != gone}} for gone in whole["state"]
    ]
    broken.append({**whole, "settings": {"colour": "red"}})
    for checkpoint in broken:
        torch.save(checkpoint, path)
        with pytest.raises(CheckpointError) as error:
            type(agent).load(path, make_vec(2))
        assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", EPISODIC)
def test_load__other_number_of_actions_is_one_line_with_both(name: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    agent = make_agent(name, make_vec(2), 0)
    agent.save(path)
    with pytest.raises(CheckpointError, match="is for 10 actions, the environment has 6") as error:
        type(agent).load(path, make_vec(2, space={"widths": [4]}))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", EPISODIC)
def test_episodic_agent__learns_on_any_discrete_environment(name: str) -> None:
    agent = AGENTS[name].load()(gym.vector.SyncVectorEnv([Countdown] * 4), seed=0)
    assert agent.learn(10).num_architectures == 10


def _same(first: Any, second: Any) -> bool:  # noqa: ANN401, whatever a checkpoint holds
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    return bool(first == second)
