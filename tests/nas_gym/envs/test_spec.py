import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pandas as pd
import pytest
from gymnasium.envs.registration import EnvSpec

import nas_gym
from nas_gym.envs.nas_env import NasEnv
from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.registration import PROBLEMS
from tests.nas_gym.doubles import QUICK, InstantEvaluator

pytestmark = pytest.mark.usefixtures("small_data")


def from_json(text: str) -> NasEnv:
    again = gym.make(EnvSpec.from_json(text)).unwrapped
    assert isinstance(again, NasEnv)
    return again


@pytest.mark.parametrize("name", [name for name in PROBLEMS if "table" not in QUICK[name]])
def test_json__of_an_environment_makes_it_again(name: str) -> None:
    env = gym.make(name, **QUICK[name])
    assert env.spec is not None
    text = env.spec.to_json()
    again = from_json(text)
    assert again.search_space.tokens == env.get_wrapper_attr("search_space").tokens
    assert again.spec is not None and again.spec.to_json() == env.unwrapped.spec.to_json()  # type: ignore[union-attr]


def test_json__holds_a_table_as_it_is() -> None:
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    y = np.array(["a", "b"])[(X[:, 0] > 0).astype(int)]
    keywords: Any = {"X": X, "y": y, "recipe": {"epochs": np.int64(2)}, "split": (0.5, 0.25, 0.25)}
    spec = gym.make("NAS-Tabular-v0", **keywords).spec
    assert spec is not None
    kwargs = json.loads(spec.to_json())["kwargs"]
    assert np.array_equal(np.array(kwargs["X"], dtype=np.float32), X)
    assert kwargs["y"] == y.tolist()
    assert (kwargs["recipe"], kwargs["split"]) == ({"epochs": 2}, [0.5, 0.25, 0.25])
    evaluator: Any = from_json(spec.to_json()).evaluator
    del kwargs["problem_id"]
    checksums = [nas_gym.problem("NAS-Tabular-v0", **k).task.data_of().checksum for k in (keywords, kwargs)]  # type: ignore[union-attr]
    assert evaluator is not None and len(set(checksums)) == 1


def test_json__takes_pandas_and_paths(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [0.0, 1.0] * 30, "b": np.arange(60.0)})
    labels = pd.Series(["x", "y"] * 30)
    spec = gym.make("NAS-Tabular-v0", X=frame, y=labels, store=tmp_path / "a.sqlite").spec
    assert spec is not None
    kwargs = json.loads(spec.to_json())["kwargs"]
    assert kwargs["X"] == frame.to_numpy().tolist()
    assert (kwargs["y"], kwargs["store"]) == (labels.tolist(), str(tmp_path / "a.sqlite"))


def test_json__of_many_lanes_is_that_of_one_with_their_number() -> None:
    X, y = np.random.default_rng(0).normal(size=(60, 3)), [0, 1] * 30
    spec = gym.make_vec("NAS-Tabular-v0", num_envs=2, X=X, y=y).unwrapped.spec
    assert spec is not None
    assert json.loads(spec.to_json())["kwargs"]["num_envs"] == 2


def test_json__refuses_in_one_line_what_is_no_data() -> None:
    spec = gym.make("NAS-Moons-v0", evaluator=InstantEvaluator()).spec
    assert spec is not None
    with pytest.raises(InvalidArgumentError) as error:
        spec.to_json()
    assert str(error.value) == "evaluator cannot be written as JSON, it is of type InstantEvaluator"


def test_spec__equals_that_of_gymnasium_and_makes_the_same_again() -> None:
    env = gym.make("NAS-Moons-v0", noise=0.3)
    assert env.spec is not None
    assert EnvSpec.from_json(env.spec.to_json()) == env.spec == gym.make(env.spec).spec
    assert env.spec != gym.make("NAS-Moons-v0", noise=0.2).spec
