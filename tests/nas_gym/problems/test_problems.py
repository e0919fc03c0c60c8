import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import nas_gym
from nas_gym.envs.nas_env import NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.errors import InvalidArgumentError, InvalidDataError, NasGymError, StoreError
from nas_gym.evaluators import EVALUATORS
from nas_gym.memory.store import EvaluationStore
from nas_gym.problems.parts import REQUIRED as NO_DEFAULT
from nas_gym.problems.registration import PROBLEMS, TOP, keywords_by_part, make_env, problem
from nas_gym.rewards import ScoreReward
from nas_gym.search_spaces import SEARCH_SPACES
from nas_gym.tasks.classification import Classification
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import (
    FEW_TOKENS,
    REQUIRED,
    TEXTS,
    TRAINED,
    InstantEvaluator,
    InstantTrainer,
    quick,
    random_networks,
)

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
    made = "gym.make('nas_gym:NAS-Moons-v0', recipe={'epochs': 1})"
    modules = modules_after(f"import gymnasium as gym; env = {made}; {play}")
    assert "numba" in modules
    assert not modules & {"torch", "matplotlib", "stable_baselines3"}


@pytest.mark.parametrize("name", PROBLEMS)
def test_problem__is_registered_and_made_with_the_package_before_its_id(name: str) -> None:
    entry = PROBLEMS[name]
    assert gym.spec(name).id == name
    assert gym.spec(name).vector_entry_point is not None
    assert set(entry.evaluators) <= set(EVALUATORS)
    assert set(entry.spaces.values()) <= set(SEARCH_SPACES.values())
    made, same = (problem(each, **REQUIRED.get(name, {})) for each in (f"nas_gym:{name}", name))
    assert made.id == same.id == name
    assert (made.task is None) != (made.table is None)
    if made.task is not None and same.task is not None:
        assert made.task.data_of().test_checksum is not None, "retraining needs the test part"
        assert made.task.id_of() == same.task.id_of()
        assert made.task.recipe_of() == same.task.recipe_of()


def test_keywords__reach_every_part() -> None:
    made = problem(
        "NAS-Moons-v0",
        size=np.int64(120),
        noise=np.float64(0.1),
        split=(60, 30, 30),
        seed=np.int64(5),
        space={"widths": np.array([3, 5]), "activations": ("Tanh",), "max_length": np.int64(4)},
        recipe={"epochs": np.int32(7), "batch_size": 8, "learning_rate": np.float32(0.5), "patience": 3},
        full={"epochs": 9},
        evaluator={"name": "fused", "threads": 1},
        training_seed=np.int64(9),
        illegal_reward=-2,
        failure_reward=np.float64(-3),
        stochastic=np.True_,
    )
    assert isinstance(made.task, Classification)
    assert made.task.id_of() == "moons-v0(size=120, noise=0.1, split=60/30/30, seed=5)"
    assert made.task.recipe_of().id == "adam(epochs=7, batch_size=8, learning_rate=0.5, patience=3)"
    assert made.task.recipe_of(-1).id == "adam(epochs=9, batch_size=8, learning_rate=0.5, patience=3)"
    assert made.search_space.tokens == ("Linear-3", "Linear-5", "Tanh", "EOS")
    assert made.search_space.max_length == 4
    evaluator: Any = made.make_evaluator()  # remembers what a limited one asks the trainer for
    trained = evaluator.evaluator.evaluator
    assert (trained.pool.workers, trained.seed) == (1, 9)
    rules = made.make_env().rules
    assert (rules.illegal_reward, rules.failure_reward, rules.stochastic) == (-2.0, -3.0, True)
    plain = (made.books.training_seed, rules.stochastic, made.task.recipe_of().epochs)
    assert [type(value) for value in plain] == [int, bool, int]


def test_keywords__of_gym_make_reach_the_environment() -> None:
    space = {"widths": (3,), "activations": (), "max_length": 2}
    env = gym.make("NAS-Moons-v0", space=space, illegal_reward=-5, size=50)
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
    else:
        env = gym.make("NAS-Moons-v0", evaluator=evaluator)
        for _ in range(2):
            env.reset()
            env.step(3)
            env.step(9)
    assert [len(call) for call in evaluator.calls] == [1]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda children: children[1:], "one evaluation for each of 1 architectures, in order, got 0"),
        (lambda children: [0.5], "must return Evaluation records, got 0.5"),
        (lambda children: 0.5, "must return Evaluation records, got 0.5"),
        (lambda children: [replace(child, scores={}) for child in children], "no score of Linear-8"),
        (lambda children: children * 2, "one evaluation for each of 1 architectures, in order, got 2"),
        (lambda children: None, "must return Evaluation records, got None"),
        (
            lambda children: [replace(child, status="fine") for child in children],
            "the status of Linear-8 must be one of ok, failed, timed_out, stopped, got 'fine'",
        ),
    ],
)
def test_evaluator__of_ones_own_that_answers_wrongly_is_one_line(
    answer: Callable[[list[Evaluation]], Any], says: str
) -> None:
    class Wrong(InstantEvaluator):
        def evaluate(self, *arguments: Any) -> Any:  # noqa: ANN401
            return answer(super().evaluate(*arguments))

    for wrong in (gym.make("NAS-Moons-v0", evaluator=Wrong()).unwrapped, None):
        env: Any = wrong or gym.make_vec("NAS-Moons-v0", num_envs=1, evaluator=Wrong())
        env.reset()
        env.step(3 if wrong else np.array([3]))
        with pytest.raises(InvalidArgumentError) as error:
            env.step(9 if wrong else np.array([9]))
        assert says in str(error.value) and "\n" not in str(error.value)


def test_reward__by_the_name_of_score_knows_which_way_is_better() -> None:
    for keywords in ({}, {"reward": "score"}, {"reward": {"name": "score"}}):
        assert problem("NAS-Moons-v0", metric="log_loss", **keywords).reward == ScoreReward(False)
        assert problem("NAS-Moons-v0", **keywords).reward == ScoreReward(True)


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


@pytest.mark.parametrize("name", ["NAS-Moons-v0", "NAS-Bench-Moons-v0"])
def test_reward__may_have_keywords_of_its_own(name: str) -> None:
    reward = {"name": "accuracy_with_cost", "cost": "multiply_adds", "target": 5, "exponent": -1}
    env = gym.make(name, **REQUIRED.get(name, {}), evaluator=InstantEvaluator(), reward=reward)
    env.reset()
    env.step(3)
    env.step(6)
    _, earned, _, _, info = env.step(9)
    child = info["evaluation"]
    assert earned == child["scores"]["accuracy"] * 5 / child["multiply_adds"] > 0


def refusals(name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each keyword of each part misspelt, in each wrong place, of a wrong type; and what is said."""
    parts = keywords_by_part(name)
    inner = {part: of for part, of in parts.items() if part not in TOP}
    if name in TRAINED:
        inner |= {rung: parts["recipe"] for rung in ("middle", "full") if rung in parts["question"]}
    top = {keyword: value for part in TOP for keyword, value in parts[part].items()}

    def within(part: str, **keywords: object) -> dict[str, Any]:
        place, _, which = part.partition(" ")
        return {place: {**({"name": which} if which else {}), **keywords}}

    for keyword in top:
        yield {f"{keyword}x": 1}, f"{name} has no keyword '{keyword}x'; it has "
        yield {keyword: object()}, ""
        for part, of in inner.items():
            amount = keyword in AMOUNTS and part in (
                "recipe",
                "middle",
                "full",
            )  # a recipe says how much it takes
            if not (keyword in of or amount):
                yield within(part, **{keyword: 1}), f"{part} has no keyword '{keyword}'"
    for part, of in inner.items():
        needed = {keyword: 1 for keyword, default in of.items() if default is NO_DEFAULT}
        for keyword in of:
            yield within(part, **{f"{keyword}x": 1}), f"{part} has no keyword '{keyword}x'; it has "
            yield within(part, **needed | {keyword: object()}), ""
            if keyword not in top:
                yield {keyword: 1}, f"{keyword} belongs to "


AMOUNTS = ("train_samples", "validation_samples", "train_tokens", "validation_tokens")


@pytest.mark.parametrize("name", PROBLEMS)
def test_keyword__misspelt_in_a_wrong_place_or_of_a_wrong_type_is_one_line(name: str) -> None:
    for keywords, says in refusals(name):
        assert_refused(name, keywords, says)


def assert_refused(name: str, keywords: Mapping[str, Any], says: str) -> None:
    with pytest.raises(NasGymError) as error:
        few = FEW_TOKENS if name in TEXTS else {}
        problem(name, **{**REQUIRED.get(name, {}), **few, **keywords}).make_evaluator()
    assert "\n" not in str(error.value) and says in str(error.value), (keywords, str(error.value))


@pytest.mark.parametrize("name", TRAINED)
def test_amount__that_is_given_twice_is_one_line(name: str) -> None:
    for amount in set(AMOUNTS) & set(keywords_by_part(name)["question"]):
        assert_refused(name, {amount: 50, "recipe": {amount: 60}}, f"{amount} is given twice")


@pytest.mark.parametrize(
    ("name", "keywords", "parts"),
    [
        ("NAS-Mars-v0", {}, ["unknown environment 'NAS-Mars-v0'", "NAS-Moons-v0", "NAS-Tabular-v0"]),
        ("NAS-Moons-v0", {"epochs": 3}, ["epochs belongs to recipe", "recipe={'epochs': ...}"]),
        ("NAS-Moons-v0", {"cost": "parameters"}, ["cost belongs to reward accuracy_with_cost"]),
        ("NAS-Moons-v0", {"sise": 1}, ["no keyword 'sise'", "size", "epochs", "widths", "stochastic"]),
        ("NAS-Moons-v0", {"reward": "accuracy_with_cost"}, ["needs the keyword 'target'", "exponent"]),
        ("NAS-Moons-v0", {"reward": "speed"}, ["unknown reward 'speed'", "validation_accuracy"]),
        ("NAS-Moons-v0", {"evaluator": "magic"}, ["unknown evaluator 'magic'", "fused, local"]),
        ("NAS-Moons-v0", {"recipe": "paper"}, ["unknown recipe 'paper'; there are search, full"]),
        (
            "NAS-PTB-v0",
            {"recipe": "papr"},
            ["unknown recipe 'papr'; there are search, ranking, middle, full"],
        ),
        ("NAS-PTB-v0", {"recipe": [1]}, ["unknown recipe [1]"]),
        ("NAS-Text-v0", {"path": "x", "seed": 1}, ["NAS-Text-v0 has no keyword 'seed'", "path"]),
        ("NAS-Text-v0", {}, ["needs the keyword 'path'"]),
        ("NAS-Tabular-v0", {"X": np.zeros((9, 2))}, ["needs the keyword 'y'", "X, y"]),
        ("NAS-Bench-Moons-v0", {"evaluator": "fused"}, ["unknown evaluator 'fused'", "its table"]),
        (
            "NAS-Bench-201-v0",
            {"dataset": "mnist"},
            ["dataset must be one of cifar10, cifar100, ImageNet16-120, got 'mnist'"],
        ),
        ("NAS-Bench-Moons-v0", {"training_seed": 3}, ["no keyword 'training_seed'"]),
        ("NAS-Brackets-v0", {"space": {"base": 3}}, ["base must be a power of two"]),
        ("NAS-Brackets-v0", {"recipe": {"batch_size": 50_000}}, ["batch_size must be at most 25000"]),
        ("NAS-Moons-v0", {"training_seed": -1}, ["training_seed must be an integer from 0, got -1"]),
        ("NAS-Moons-v0", {"metric": "speed"}, ["metric must be one of accuracy, balanced_accuracy"]),
    ],
)
def test_problem__says_in_one_line_what_is_wrong_and_what_exists(
    name: str, keywords: dict[str, Any], parts: list[str]
) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        make_env(name, **keywords)
    assert "\n" not in str(error.value)
    for part in parts:
        assert part in str(error.value)


def test_metric__decides_on_task_and_reward() -> None:
    made = problem("NAS-Moons-v0", metric="log_loss", evaluator="local", recipe={"epochs": 2})
    assert made.task is not None and made.task.id_of().endswith(" by log_loss")
    (evaluation,) = made.make_evaluator().evaluate(random_networks(1))
    assert list(evaluation.scores) == ["log_loss", "accuracy", "last_epochs_log_loss"]
    assert made.reward is not None and made.reward(evaluation) == 1 / (1 + evaluation.scores["log_loss"])


@pytest.mark.parametrize("name", [name for name in TRAINED if "fused" in PROBLEMS[name].evaluators])
@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1_macro", "roc_auc", "log_loss"])
def test_metric__is_followed_by_both_ways_of_training(name: str, metric: str) -> None:
    made = [
        quick(name, evaluator=way, metric=metric, recipe={"class_weight": "balanced"})
        for way in ("fused", "local")
    ]
    for each in made:
        (evaluation,) = each.make_evaluator().evaluate([each.search_space.parse("Linear-8 Tanh")])
        assert evaluation.status == "ok" and next(iter(evaluation.scores)) == metric


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
    plain = problem("NAS-Moons-v0", recipe={"epochs": 1}).make_evaluator().evaluate(networks)
    env = gym.make("NAS-Moons-v0", recipe={"epochs": 1}, store=store)
    assert isinstance(env.unwrapped, NasEnv)
    first = env.unwrapped.evaluator.evaluate(networks)
    assert [e.as_info() for e in first] == [e.as_info() for e in plain]
    lanes = gym.make_vec("NAS-Moons-v0", num_envs=2, recipe={"epochs": 1}, store=str(store))
    assert isinstance(lanes.unwrapped, NasVectorEnv)
    assert lanes.unwrapped.evaluator.evaluate(networks) == first, "seconds too: nothing was trained again"
    assert len(EvaluationStore(store)) == len(set(networks))


def test_store__holds_the_children_of_a_stochastic_environment(tmp_path: Path) -> None:
    store, seeds = tmp_path / "store.sqlite", []
    for _ in range(2):
        env = gym.make("NAS-Moons-v0", recipe={"epochs": 1}, store=store, stochastic=True)
        env.reset(seed=0)
        for _ in range(3):
            env.step(0)
            seeds.append(env.step(9)[4]["evaluation"]["seed"])
            env.reset()
    assert seeds[:3] == seeds[3:] and len(set(seeds)) == 3
    assert {row["seed"] for row in EvaluationStore(store).rows()} == set(seeds)


def test_store__must_be_a_file_and_have_an_evaluator_that_can_use_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="store must be the name of a file or None, got 3"):
        problem("NAS-Moons-v0", store=3)
    with pytest.raises(InvalidArgumentError, match="only an evaluator with a seed and a setting can"):
        problem("NAS-Moons-v0", evaluator=InstantEvaluator(), store=tmp_path / "store.sqlite").make_env()
    trained = problem("NAS-Moons-v0", evaluator=InstantTrainer(), store=tmp_path / "store.sqlite")
    trained.make_evaluator().evaluate(random_networks(2))
    assert len(EvaluationStore(tmp_path / "store.sqlite")) == 2
    (tmp_path / "text").write_text("no database, but a longer text than that of a file that was cut off")
    with pytest.raises(StoreError, match="file is not a database"):
        gym.make("NAS-Moons-v0", store=tmp_path / "text")
