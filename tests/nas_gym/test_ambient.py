"""What a program has set in PyTorch and NumPy changes no result, and is as before afterwards."""

import io
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from rich.console import Console

import nas_gym
from agents import make_agent
from agents.reinforce import Reinforce
from nas_gym.kept.network import KeptNetwork
from nas_gym.pools.here import Here
from nas_gym.studies.retraining import Trainings, found_networks
from tests.nas_gym.ambient import STATES, seen
from tests.nas_gym.doubles import QUICK, quick, random_children
from tests.nas_gym.kept.networks import kept

pytestmark = [
    pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled"),
    pytest.mark.timeout(30),
]

SOME = ("float64", "device", "no_grad", "inference_mode", "autocast", "errors")
"""States that anything may stumble over, not only what multiplies."""
CHILDREN: dict[str, dict[str, Any]] = {
    "NAS-Moons-v0": {"evaluator": "fused"},
    "NAS-Digits-v0": {},
    "NAS-Brackets-v0": {},
}


def evaluations(name: str, **keywords: Any) -> list[tuple[object, ...]]:  # noqa: ANN401
    env: Any = gym.make(name, **{**QUICK[name], **CHILDREN[name], **keywords})
    found: list[tuple[object, ...]] = []
    with closing(env):
        space = env.unwrapped.search_space
        for architecture in random_children(space, 2, seed=1):
            env.reset(seed=0)
            for token in space.encode(architecture):
                _, reward, _, _, info = env.step(token)
            child = info["evaluation"]
            found.append((reward, child["status"], child["scores"], child.get("reason")))
    return found


@cache
def usual(name: str) -> list[tuple[object, ...]]:
    return evaluations(name)


@pytest.mark.parametrize("name", CHILDREN)
@pytest.mark.parametrize("state", STATES)
def test_children__learn_the_same(state: str, name: str) -> None:
    usual(name)
    with STATES[state]():
        before = seen()
        assert evaluations(name) == usual(name)
        assert seen() == before


@pytest.mark.parametrize("state", SOME)
def test_latency__is_measured(state: str) -> None:
    made = quick("NAS-Digits-v0", evaluator={"name": "local", "measure_latency": True})
    with STATES[state](), made.make_evaluator() as evaluator:
        before = seen()
        (found,) = evaluator.evaluate(random_children(made.search_space, 1))
        assert found.status == "ok" and found.latency_seconds is not None and found.latency_seconds > 0
        assert seen() == before


def retrained(folder: Path) -> tuple[tuple[float, ...], tuple[float, ...]]:
    made = quick("NAS-Digits-v0", full={"epochs": 1})
    networks = found_networks(made, random_children(made.search_space, 1, seed=1))
    trainings = Trainings(folder, networks, made.make_trainer(), 2)
    trainings.train(Here(), Console(file=io.StringIO()))
    (found,) = trainings.contenders()
    return tuple(found.validation_scores), tuple(found.test_scores)


@pytest.fixture(scope="module")
def usually_retrained(tmp_path_factory: pytest.TempPathFactory) -> object:
    return retrained(tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize("state", STATES)
def test_retraining__and_its_judgement_are_the_same(
    state: str, tmp_path: Path, usually_retrained: object
) -> None:
    with STATES[state]():
        before = seen()
        assert retrained(tmp_path) == usually_retrained
        assert seen() == before


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    path, problem = kept(
        tmp_path_factory.mktemp("kept") / "m",
        "NAS-Digits-v0",
        "conv3x3-8-pool2-drop0",
        space={"name": "chain"},
        full={"epochs": 1},
    )
    assert problem.task is not None
    data: Any = problem.task.data_of(-1)
    return path, data.test.features[:9, 0]


@pytest.mark.parametrize(
    "state", [name for name in STATES if name not in ("autocast", "products", "precision")]
)
def test_kept_network__says_the_same_wherever_it_is_loaded(
    state: str, digits: tuple[Path, np.ndarray]
) -> None:
    path, images = digits
    network: Any = nas_gym.load(path)
    expected = network.predict_proba(images)
    with STATES[state]():
        before = seen()
        loaded: Any = nas_gym.load(path)
        assert seen() == before
    assert isinstance(loaded, KeptNetwork)
    np.testing.assert_array_equal(loaded.predict_proba(images), expected)


@pytest.mark.slow  # the exporter takes seconds
@pytest.mark.timeout(120)
def test_export__is_the_same_under_all_of_it(tmp_path: Path, digits: tuple[Path, np.ndarray]) -> None:
    from nas_gym.kept.loading import load_network
    from nas_gym.kept.onnx import export_onnx

    network = load_network(digits[0])
    for state in SOME:
        with STATES[state]():
            before = seen()
            assert export_onnx(network, tmp_path / "digits.onnx") < 1e-5, state
            assert seen() == before


def learned(name: str, folder: Path) -> tuple[Any, ...]:
    env = gym.make_vec("NAS-Bench-Moons-v0", num_envs=5)
    agent = make_agent(name, env, 0).learn(20)
    agent.save(folder / "agent.pt")
    agent = Reinforce.load(folder / "agent.pt", env) if isinstance(agent, Reinforce) else agent
    agent.learn(10)
    observations, infos = env.reset(seed=0)
    actions, _ = agent.predict(observations, action_masks=infos["action_mask"] > 0)
    weights = [] if not isinstance(agent, Reinforce) else [w.tolist() for w in agent.policy.parameters()]
    return actions.tolist(), weights


@pytest.fixture(scope="module", params=["reinforce", "reinforce_surrogate"])
def usually_learned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401
    name = str(request.param)
    return name, learned(name, tmp_path_factory.mktemp("usual"))


@pytest.mark.parametrize("state", STATES)
def test_agents__learn_the_same(state: str, usually_learned: Any, tmp_path: Path) -> None:  # noqa: ANN401
    name, expected = usually_learned
    with STATES[state]():
        before = seen()
        found = learned(name, tmp_path)
        assert seen() == before
    assert found == expected
