"""Numbers of NumPy and PyTorch are numbers wherever one is asked for."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from agents import AGENTS, make_agent
from agents.errors import InvalidArgumentError
from agents.regularized_evolution import RegularizedEvolution
from agents.reinforce import Reinforce
from nas_gym.estimators.table_fits.rows import folds_of

BENCH = "nas_gym:NAS-Bench-Moons-v0"
NUMPYS: Any = np.int64


@pytest.mark.parametrize("seed", [np.int64(3), np.uint8(3), np.array(3), torch.tensor(3)])
def test_reset__takes_a_seed_of_any_integer(seed: Any) -> None:  # noqa: ANN401
    for make in (lambda: gym.make(BENCH), lambda: gym.make_vec(BENCH, num_envs=NUMPYS(2))):
        drawn = []
        for each in (seed, 3):
            env: Any = make()
            env.reset(seed=each)
            unwrapped = env.unwrapped
            draws = [unwrapped.np_random] if hasattr(unwrapped, "env") is False else unwrapped._generators
            drawn.append([generator.integers(1000) for generator in draws])
        assert drawn[0] == drawn[1]


def test_reset__of_lanes_takes_an_array_of_seeds() -> None:
    env: Any = gym.make_vec(BENCH, num_envs=2)
    env.reset(seed=np.array([3, 4]))
    found = [generator.integers(1000) for generator in env.unwrapped._generators]
    env.reset(seed=3)
    assert [generator.integers(1000) for generator in env.unwrapped._generators] == found


@pytest.mark.parametrize("seed", [3.5, "3"])
def test_reset__refuses_what_is_no_seed_in_one_line(seed: Any) -> None:  # noqa: ANN401
    for env in (gym.make(BENCH), gym.make_vec(BENCH, num_envs=2)):
        with pytest.raises((gym.error.Error, ValueError)) as error:
            env.reset(seed=seed)
        assert "\n" not in str(error.value)


@pytest.mark.slow  # stable-baselines3's agents play whole rollouts
@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", AGENTS)
def test_agents__take_seed_and_budget_of_numpy(name: str) -> None:
    found = []
    for integer in (NUMPYS, int):
        env = gym.make_vec(BENCH, num_envs=int(AGENTS[name].num_envs))
        agent = make_agent(name, env, integer(3)).learn(integer(20))
        assert type(agent.num_architectures) is int
        found.append(agent.num_architectures)
    assert found[0] == found[1]


def test_agents__keep_pythons_own_numbers(tmp_path: Any) -> None:  # noqa: ANN401
    env = gym.make_vec(BENCH, num_envs=4)
    numbers: dict[str, Any] = {
        "seed": np.uint16(2),
        "hidden_size": np.int32(8),
        "learning_rate": np.float32(0.5),
        "epochs": NUMPYS(1),
    }
    agent = Reinforce(env, **numbers).learn(NUMPYS(8), episodes_per_update=None)
    assert [type(each) for each in (agent.hidden_size, agent.learning_rate, agent.epochs, agent.seed)] == [
        int,
        float,
        int,
        int,
    ]
    agent.save(tmp_path / "agent.pt")  # which is read without anything of NumPy's
    assert Reinforce.load(tmp_path / "agent.pt", env).learning_rate == 0.5
    evolution = RegularizedEvolution(env, population_size=NUMPYS(8), sample_size=NUMPYS(2))
    assert evolution.learn(NUMPYS(12)).num_architectures == 12


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"seed": True}, "seed must be an integer from 0 to 9223372036854775807, got True"),
        ({"epochs": np.float64(1.5)}, "epochs must be an integer from 1 to 1000, got np.float64(1.5)"),
        ({"learning_rate": "0.1"}, "learning_rate must be a number from 0 to 1, got '0.1'"),
        ({"learning_rate": np.nan}, "learning_rate must be a number from 0 to 1, got nan"),
    ],
)
def test_agents__refuse_other_numbers(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        Reinforce(gym.make_vec(BENCH, num_envs=2), **keywords)
    assert str(error.value) == says


def test_share__of_numpy_is_a_share() -> None:
    y = np.arange(40) % 2
    expected = folds_of(y, 2, 0.25, 0)
    found = folds_of(y, 2, np.float32(0.25), 0)
    assert [fold.validation.tolist() for fold in found] == [fold.validation.tolist() for fold in expected]
