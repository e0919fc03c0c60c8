import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import nas_gym
from nas_gym.datasets import CORPORA, DATASETS
from nas_gym.envs.nas_env import NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.errors import InvalidArgumentError, InvalidDataError, NasGymError, StoreError
from nas_gym.evaluators import EVALUATORS
from nas_gym.memory.store import EvaluationStore
from nas_gym.problems.assembly import assemble
from nas_gym.problems.registration import make_env
from nas_gym.problems.specs import PROBLEMS
from nas_gym.rewards import REWARDS
from nas_gym.search_spaces import SEARCH_SPACES
from tests.nas_gym.doubles import REQUIRED, InstantEvaluator, InstantTrainer, blobs, ids_of, random_networks

pytestmark = pytest.mark.usefixtures("small_data")

HEAVY = {"torch", "torchvision", "PIL", "numba", "sklearn", "matplotlib", "stable_baselines3"}


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that another process has imported after running some code."""
    report = "import json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout))


@pytest.mark.slow  # another process imports Gymnasium first
@pytest.mark.timeout(30)
def test_import__loads_nothing_heavy() -> None:
    modules = modules_after("import nas_gym")
    assert "gymnasium" in modules
    assert not modules & HEAVY


@pytest.mark.slow  # another process imports Gymnasium and Numba first
@pytest.mark.timeout(60)
def test_make__loads_no_pytorch_for_the_fused_evaluator() -> None:
    play = "env.reset(); env.step(0); assert env.step(9)[1] > 0"
    code = f"import gymnasium as gym, nas_gym; env = gym.make('NAS-Moons-v0', epochs=1); {play}"
    modules = modules_after(code)
    assert "numba" in modules
    assert not modules & {"torch", "matplotlib", "stable_baselines3"}


@pytest.mark.slow  # another process imports Gymnasium and Numba first
@pytest.mark.timeout(60)
def test_make__works_with_the_package_named_in_the_id_alone() -> None:
    code = "import gymnasium as gym; gym.make('nas_gym:NAS-Moons-v0').reset()"
    assert "nas_gym" in modules_after(code)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_problem__is_registered_and_names_what_exists(problem: str) -> None:
    spec = PROBLEMS[problem]
    assert gym.spec(problem).id == problem
    assert gym.spec(problem).vector_entry_point is not None
    assert spec.search_space in SEARCH_SPACES
    assert (spec.table is None) == (spec.dataset in {**DATASETS, **CORPORA}) == bool(spec.evaluators)
    assert spec.reward in REWARDS
    assert set(spec.evaluators) <= set(EVALUATORS)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_problem__can_be_made_with_the_package_before_its_id(problem: str) -> None:
    parts, same = (assemble(name, **REQUIRED.get(problem, {})) for name in (f"nas_gym:{problem}", problem))
    if parts.table is None:
        data = parts.dataset or parts.corpus
        assert data is not None and (parts.dataset is None) != (parts.corpus is None)
        assert data.test is not None, "retraining needs the test part"
        assert ids_of(parts) == ids_of(same)
    else:
        assert parts.table.test is not None, "the test results are wanted after the search"
        assert (parts.dataset, parts.recipe, parts.build) == (None, None, None)


@pytest.mark.parametrize("network", ["Linear-8 Tanh", "ReLU", "Linear-16 Linear-2 Sigmoid"])
def test_build__makes_the_network_for_the_data(network: str) -> None:
    parts = assemble("NAS-Tabular-v0", **blobs(features=4, classes=3))
    assert parts.build is not None
    module = parts.build(parts.search_space.parse(network))
    linear = [parameter for parameter in module.parameters() if parameter.ndim == 2]
    assert linear[0].shape[1] == 4
    assert linear[-1].shape[0] == 3


def test_keywords__reach_data_recipe_and_search_space() -> None:
    parts = assemble(
        "NAS-Moons-v0",
        size=120,
        noise=0.1,
        split=(60, 30, 30),
        seed=5,
        epochs=7,
        batch_size=8,
        learning_rate=0.5,
        patience=3,
        widths=(3, 5),
        activations=("Tanh",),
        max_length=4,
        threads=1,
        training_seed=9,
        illegal_reward=-2,
        failure_reward=-3,
        stochastic=True,
    )
    assert parts.dataset is not None and parts.recipe is not None
    assert parts.dataset.id == "moons-v0(size=120, noise=0.1, split=60/30/30, seed=5)"
    assert parts.recipe.id == "adam(epochs=7, batch_size=8, learning_rate=0.5, patience=3)"
    assert parts.search_space.tokens == ("Linear-3", "Linear-5", "Tanh", "EOS")
    assert parts.search_space.max_length == 4
    trainer = parts.evaluator.evaluator  # type: ignore[attr-defined]
    assert (trainer.threads, trainer.seed, trainer.recipe) == (1, 9, parts.recipe)
    env = NasEnv(parts.search_space, parts.evaluator, **parts.env_options)
    assert (env.illegal_reward, env.failure_reward, env.stochastic) == (-2.0, -3.0, True)


def test_keywords__of_gym_make_reach_the_environment() -> None:
    env = gym.make("NAS-Moons-v0", widths=(3,), activations=(), max_length=2, illegal_reward=-5, size=50)
    assert env.action_space == gym.spaces.Discrete(2)
    assert env.observation_space == gym.spaces.MultiDiscrete([3, 3])
    env.reset()
    assert env.step(1)[1] == -5.0


@pytest.mark.parametrize("vector", [False, True])
def test_evaluator__of_ones_own_is_asked_once_for_each_architecture(vector: bool) -> None:
    evaluator = InstantEvaluator()
    if vector:
        lanes = gym.make_vec("NAS-Moons-v0", num_envs=2, evaluator=evaluator)
        lanes.reset()
        lanes.step(np.array([3, 3]))
        lanes.step(np.array([9, 9]))
        assert [len(call) for call in evaluator.calls] == [1]
    else:
        env = gym.make("NAS-Moons-v0", evaluator=evaluator)
        for _ in range(2):
            env.reset()
            env.step(3)
            env.step(9)
        assert [len(call) for call in evaluator.calls] == [1]


def test_reward__of_ones_own_is_used() -> None:
    env = gym.make(
        "NAS-Moons-v0",
        evaluator=InstantEvaluator(),
        reward=lambda evaluation: 100.0 * evaluation.parameters,
    )
    env.reset()
    env.step(3)
    env.step(6)
    assert env.step(9)[1] == 200.0


@pytest.mark.parametrize("problem", ["NAS-Moons-v0", "NAS-Bench-Moons-v0"])
def test_reward__may_have_keywords_of_its_own(problem: str) -> None:
    env = gym.make(
        problem,
        **REQUIRED.get(problem, {}),
        evaluator=InstantEvaluator(),
        reward="accuracy_with_cost",
        cost="multiply_adds",
        target=5,
        exponent=-1,
    )
    env.reset()
    env.step(3)
    env.step(6)
    _, reward, _, _, info = env.step(9)
    assert reward == info["evaluation"]["validation_accuracy"] * 5 / info["evaluation"]["multiply_adds"] > 0


@pytest.mark.parametrize(
    ("problem", "keywords", "parts"),
    [
        ("NAS-Moons-v0", {"target": 5}, ["no keyword 'target'"]),
        ("NAS-Moons-v0", {"reward": "accuracy_with_cost"}, ["needs the keyword 'target'", "exponent"]),
        (
            "NAS-Moons-v0",
            {"reward": "accuracy_with_cost", "target": 5, "exponnt": 1},
            ["no keyword 'exponnt'", "exponent", "epochs"],
        ),
        ("NAS-Moons-v0", {"reward": "accuracy_with_cost", "target": 0}, ["target must be a positive number"]),
        ("NAS-Mars-v0", {}, ["unknown environment 'NAS-Mars-v0'", "NAS-Moons-v0", "NAS-Tabular-v0"]),
        ("NAS-Bench-Moons-v0", {"epochs": 3}, ["no keyword 'epochs'", "table", "budget_seconds"]),
        ("NAS-Bench-Moons-v0", {"training_seed": 3}, ["no keyword 'training_seed'"]),
        ("NAS-Bench-201-v0", {"evaluator": "fused"}, ["unknown evaluator 'fused'", "its table"]),
        ("NAS-Bench-201-v0", {"dataset": "mnist"}, ["unknown dataset 'mnist'", "cifar100"]),
        ("NAS-Bench-201-v0", {"epochs": 90}, ["epochs must be one of 200, 12, got 90"]),
        ("NAS-Bench-201-v0", {"table": 3}, ["table must be a path or a Table, got 3"]),
        ("NAS-Moons-v0", {"sise": 100}, ["no keyword 'sise'", "size", "epochs", "widths", "stochastic"]),
        ("NAS-Moons-v0", {"X": [[1.0]]}, ["no keyword 'X'"]),
        ("NAS-Moons-v0", {"dataset": None}, ["no keyword 'dataset'"]),
        ("NAS-Moons-v0", {"build": None}, ["no keyword 'build'"]),
        ("NAS-Moons-v0", {"evaluator": "local", "threads": 2}, ["no keyword 'threads'", "device"]),
        ("NAS-Moons-v0", {"evaluator": "magic"}, ["unknown evaluator 'magic'", "fused, local"]),
        ("NAS-Moons-v0", {"reward": "speed"}, ["unknown reward 'speed'", "validation_accuracy"]),
        ("NAS-Moons-v0", {"reward": 3}, ["unknown reward 3"]),
        ("NAS-Moons-v0", {"recipe": "paper"}, ["unknown recipe 'paper'; NAS-Moons-v0 has none but its own"]),
        ("NAS-PTB-v0", {"recipe": "papr"}, ["unknown recipe 'papr'; NAS-PTB-v0 has paper"]),
        ("NAS-PTB-v0", {"recipe": [1]}, ["unknown recipe [1]; NAS-PTB-v0 has paper"]),
        ("NAS-Brackets-v0", {"base": 3}, ["base must be a power of two"]),
        ("NAS-Brackets-v0", {"patience": 3}, ["no keyword 'patience'", "bptt"]),
        ("NAS-Brackets-v0", {"c": -1}, ["c must be a positive number, got -1"]),
        ("NAS-Brackets-v0", {"batch_size": 50_000}, ["batch_size must be at most 25000"]),
        ("NAS-Text-v0", {}, ["needs the keyword 'path'"]),
        ("NAS-Moons-v0", {"training_seed": -1}, ["training_seed must be an integer from 0, got -1"]),
        ("NAS-Moons-v0", {"training_seed": 0.5}, ["training_seed must be"]),
        ("NAS-Moons-v0", {"size": 3}, ["size must be an integer from 10"]),
        ("NAS-Moons-v0", {"noise": -1}, ["noise must be a number from 0 to 10, got -1"]),
        ("NAS-Moons-v0", {"widths": (2000,)}, ["2000"]),
        ("NAS-Moons-v0", {"epochs": 0}, ["epochs must be an integer from 1"]),
        ("NAS-Moons-v0", {"evaluator": "local", "device": "abacus"}, ["device 'abacus' cannot be used"]),
        ("NAS-Moons-v0", {"illegal_reward": float("nan")}, ["illegal_reward must be a finite number"]),
        ("NAS-Tabular-v0", {}, ["needs the keyword 'X'", "X, y"]),
        ("NAS-Tabular-v0", {"X": np.zeros((9, 2))}, ["needs the keyword 'y'", "X, y"]),
    ],
)
def test_assemble__says_in_one_line_what_is_wrong_and_what_exists(
    problem: str, keywords: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        make_env(problem, **keywords)
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


def test_samples__that_the_search_space_cannot_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = replace(PROBLEMS["NAS-Moons-v0"], search_space="conv-v0")
    monkeypatch.setitem(PROBLEMS, "NAS-Flat-v0", problem)
    with pytest.raises(InvalidArgumentError, match=r"conv-v0 needs images .* got \(2,\)"):
        assemble("NAS-Flat-v0", evaluator=InstantEvaluator())


def test_gym_make__passes_errors_of_the_data_on() -> None:
    with pytest.raises(InvalidDataError, match="NaN or infinite"):
        gym.make("NAS-Tabular-v0", X=np.full((30, 2), np.nan), y=np.arange(30) % 2)
    with pytest.raises(InvalidArgumentError, match="no keyword 'sise'"):
        gym.make("NAS-Moons-v0", sise=100)
    with pytest.raises(InvalidArgumentError, match="no keyword 'sise'"):
        gym.make_vec("NAS-Moons-v0", num_envs=2, sise=100)


def test_package__has_few_names_and_one_root_error() -> None:
    assert len(nas_gym.__all__) <= 10
    for name in nas_gym.__all__:
        assert hasattr(nas_gym, name)
    for error in (InvalidArgumentError, InvalidDataError):
        assert issubclass(error, NasGymError)
        assert issubclass(error, ValueError)


def test_store__is_shared_by_environments_and_changes_no_result(tmp_path: Path) -> None:
    networks, store = random_networks(5), tmp_path / "store.sqlite"
    plain = assemble("NAS-Moons-v0", epochs=1).evaluator.evaluate(networks)
    env = gym.make("NAS-Moons-v0", epochs=1, store=store)
    assert isinstance(env.unwrapped, NasEnv)
    first = env.unwrapped.evaluator.evaluate(networks)
    assert [e.as_info() for e in first] == [e.as_info() for e in plain]
    lanes = gym.make_vec("NAS-Moons-v0", num_envs=2, epochs=1, store=str(store))
    assert isinstance(lanes.unwrapped, NasVectorEnv)
    assert lanes.unwrapped.evaluator.evaluate(networks) == first, "seconds too: nothing was trained again"
    assert len(EvaluationStore(store)) == len(set(networks))


def test_store__holds_the_children_of_a_stochastic_environment(tmp_path: Path) -> None:
    store, seeds = tmp_path / "store.sqlite", []
    for _ in range(2):
        env = gym.make("NAS-Moons-v0", epochs=1, store=store, stochastic=True)
        env.reset(seed=0)
        for _ in range(3):
            env.step(0)
            seeds.append(env.step(9)[4]["evaluation"]["seed"])
            env.reset()
    assert seeds[:3] == seeds[3:] and len(set(seeds)) == 3
    assert {row["seed"] for row in EvaluationStore(store).rows()} == set(seeds)


def test_store__must_be_a_file_and_have_an_evaluator_that_can_use_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="store must be the name of a file or None, got 3"):
        assemble("NAS-Moons-v0", store=3)
    with pytest.raises(InvalidArgumentError, match="only an evaluator with id, dataset, recipe and seed"):
        assemble("NAS-Moons-v0", evaluator=InstantEvaluator(), store=tmp_path / "store.sqlite")
    trained = assemble("NAS-Moons-v0", evaluator=InstantTrainer(), store=tmp_path / "store.sqlite")
    trained.evaluator.evaluate(random_networks(2))
    assert len(EvaluationStore(tmp_path / "store.sqlite")) == 2
    (tmp_path / "text").write_text("no database, but a longer text than that of a file that was cut off")
    with pytest.raises(StoreError, match="file is not a database"):
        gym.make("NAS-Moons-v0", store=tmp_path / "text")
