from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.trainers.base import Child
from nas_gym.evaluators.trainers.pytorch import TorchTrainer
from nas_gym.memory.store import EvaluationStore
from nas_gym.problems import images
from nas_gym.problems.registration import PROBLEMS, problem
from nas_gym.search_spaces import Architecture, ChainSpace, GraphSpace
from nas_gym.tasks.classification import Classification
from tests.nas_gym.doubles import (
    ALL_IMAGES,
    QUICK,
    REQUIRED,
    TINY,
    TRAINED,
    InstantEvaluator,
    quick,
    random_children,
)

IMAGES = tuple(name for name in TRAINED if "chain" in PROBLEMS[name].spaces)
RECIPES = dict(zip(IMAGES, (images.DIGITS, images.MNIST, images.CIFAR10, images.FOLDER), strict=True))

pytestmark = pytest.mark.usefixtures("small_data")


def task_of(name: str, **keywords: Any) -> Classification:  # noqa: ANN401
    task = problem(name, **REQUIRED.get(name, {}) | keywords).task
    assert isinstance(task, Classification)
    return task


@pytest.mark.parametrize("name", IMAGES)
def test_recipe__is_the_usual_one_unless_a_value_says_otherwise(name: str) -> None:
    usual = RECIPES[name]["search"]
    recipe = task_of(name).recipe_of()
    for key in ("epochs", "learning_rate", "schedule", "patience", "batch_size"):
        assert getattr(recipe, key) == usual[key]
    other: dict[str, Any] = {"epochs": 99, "learning_rate": 0.5, "schedule": "constant", "patience": 3}
    changed = task_of(name, recipe=other).recipe_of()
    assert {key: getattr(changed, key) for key in other} == other
    assert changed.batch_size == recipe.batch_size


@pytest.mark.parametrize("name", IMAGES)
def test_full__has_all_images_and_a_longer_recipe(name: str) -> None:
    few = {"train_samples": 15, "validation_samples": 3}
    task = task_of(name, **few, recipe={"weight_decay": 0.5})
    whole = task_of(name, **ALL_IMAGES)
    sizes = [
        (len(t.data_of(rung).train), len(t.data_of(rung).validation))
        for t, rung in ((task, 0), (task, -1), (whole, 0))
    ]
    assert sizes[0] == (15, 3) and sizes[1] == sizes[2]
    assert task.recipe_of(-1).epochs == RECIPES[name]["full"]["epochs"] > task.recipe_of().epochs
    # What the full recipe has no value for is that of the search.
    assert task.recipe_of(-1).weight_decay == RECIPES[name]["full"].get("weight_decay", 0.5)


def test_full__may_be_given() -> None:
    task = task_of("NAS-Digits-v0", recipe={"batch_size": 16}, full={"epochs": 2, "train_samples": 50})
    recipe = task.recipe_of(-1)
    assert (recipe.epochs, recipe.batch_size, len(task.data_of(-1).train)) == (2, 16, 50)
    assert task.recipe_of().epochs == images.DIGITS["search"]["epochs"]


def test_space__may_be_another_one() -> None:
    spaces = [problem("NAS-CIFAR10-v0", **ALL_IMAGES, space=space).search_space for space in (None, "chain")]
    assert isinstance(spaces[0], GraphSpace) and isinstance(spaces[1], ChainSpace)


def test_middle__lies_between_search_and_full_training() -> None:
    few = {"train_samples": 60, "validation_samples": 50}
    task = task_of(
        "NAS-Digits-v0", **few, recipe={"batch_size": 16}, middle={"epochs": 9, "train_samples": 80}
    )
    assert [rung.recipe.epochs for rung in task.ladder] == [3, 9, 40]
    assert [rung.recipe.batch_size for rung in task.ladder] == [16] * 3
    assert [len(rung.data.train) for rung in task.ladder[:2]] == [60, 80]
    assert len(task_of("NAS-Digits-v0").ladder) == 2, "digits are quick enough without"


def test_recipe__asks_for_more_images_than_the_small_files_hold() -> None:
    with pytest.raises(InvalidArgumentError, match=r"train_samples must be .* got 5000"):
        problem("NAS-MNIST-v0").make_env()


@pytest.mark.parametrize("name", IMAGES)
def test_references__fit_the_images_and_can_be_trained(name: str) -> None:
    made = quick(name, full={**ALL_IMAGES, "epochs": 1, "augmentation": "none", "name": "search"})
    networks = made.references(1000)
    assert bool(networks) != bool(made.models)
    for network in networks:
        trainer = made.make_trainer()
        assert isinstance(trainer, TorchTrainer)
        trained = trainer.train(Child(Architecture("reference", (network.name,)), 0, -1), network.build)
        assert trained.outcome.reason is None and len(trained.outcome.losses) == 1
        assert 0 <= trained.scores("test")["accuracy"] <= 1
        size = trainer.task.measure(network.build(), -1)
        assert size is not None and size.parameters == trained.parameters


def test_latency__is_a_cost_that_a_reward_can_count(tmp_path: Path) -> None:
    store, name = tmp_path / "store.sqlite", "NAS-Digits-v0"
    keywords = {**QUICK[name], "store": store}
    reward = {"name": "accuracy_with_cost", "cost": "latency_seconds", "target": 1e-3, "exponent": -0.5}
    timed = {**keywords, "evaluator": {"name": "local", "measure_latency": True}, "reward": reward}
    (child,) = random_children(quick(name).search_space, 1)
    plain, traded = gym.make(name, **keywords), gym.make(name, **timed)
    ends = []
    for env in (plain, traded, traded):
        env.reset()
        for token in env.unwrapped.search_space.encode(child):  # type: ignore[attr-defined]
            step = env.step(token)
        ends.append(step)
    rows = list(EvaluationStore(store).rows())
    assert [row["evaluator"] for row in rows] == ["local(cpu)", "local(cpu, latency)"]
    assert rows[0]["latency_seconds"] is None, "and it did not stand in for the one that is timed"
    latency = rows[1]["latency_seconds"]
    assert isinstance(latency, float) and 0 < latency < 1
    assert ends[1][1] == pytest.approx(float(ends[0][1]) * (latency / 1e-3) ** -0.5)
    assert ends[2][1] == ends[1][1], "a child that is known is not timed again"
    assert ends[0][4]["evaluation"] == ends[1][4]["evaluation"], "measured times do not repeat"


def test_latency__that_was_not_measured_cannot_be_a_cost() -> None:
    reward = {"name": "accuracy_with_cost", "cost": "latency_seconds", "target": 1e-3}
    env = gym.make_vec("NAS-Digits-v0", num_envs=1, **QUICK["NAS-Digits-v0"], reward=reward)
    env.reset()
    env.step(np.array([0]))
    with pytest.raises(InvalidArgumentError, match="needs latency_seconds, which the evaluator of digits-v0"):
        env.step(np.array([env.unwrapped.single_action_space.n - 1]))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "keywords", "says"),
    [
        ("NAS-ImageFolder-v0", {}, "NAS-ImageFolder-v0 needs the keyword 'path'"),
        ("NAS-ImageFolder-v0", {"path": "/no/such/folder"}, "there is no folder /no/such/folder"),
        (
            "NAS-Digits-v0",
            {"space": {"kernels": (9,)}},
            "a kernel of 9x9 is larger than the images of 8x8 pixels",
        ),
        ("NAS-Digits-v0", {"space": {"kernel_heights": (3,)}}, "space chain has no keyword 'kernel_heights'"),
        ("NAS-Digits-v0", {"evaluator": "fused"}, "unknown evaluator 'fused'; there are processes, local"),
        ("NAS-Digits-v0", {"evaluator": {"workers": 0}}, "workers must be None or an integer from 1, got 0"),
        ("NAS-Digits-v0", {"train_samples": 0}, "train_samples must be"),
        ("NAS-Digits-v0", {"recipe": {"precision": "mixed"}}, "precision 'mixed' needs a CUDA device"),
    ],
)
def test_image_problem__says_in_one_line_what_is_wrong(
    name: str, keywords: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError) as error:
        gym.make(name, **keywords)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_own_evaluator__needs_no_device_for_the_recipe() -> None:
    keywords = {**TINY["NAS-Digits-v0"], "recipe": {"precision": "mixed"}}
    assert problem("NAS-Digits-v0", evaluator=InstantEvaluator(), **keywords).make_evaluator() is not None
