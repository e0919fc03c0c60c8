from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from torch import nn

from nas_gym.errors import InvalidArgumentError
from nas_gym.memory.store import EvaluationStore
from nas_gym.problems.assembly import Parts, assemble
from nas_gym.problems.specs import PROBLEMS
from nas_gym.search_spaces import ConvSpace
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.studies.models import reference_models, retraining_keywords, schooling_of
from nas_gym.studies.retraining import Model, retrain
from tests.nas_gym.doubles import ALL_IMAGES, QUICK, REQUIRED, TINY, InstantEvaluator, random_children

IMAGES = tuple(problem for problem, spec in PROBLEMS.items() if spec.search_space == "conv-v0")

pytestmark = pytest.mark.usefixtures("small_data")


def sizes(parts: Parts) -> tuple[int, int]:
    """Return the numbers of training and validation images."""
    assert parts.dataset is not None
    return len(parts.dataset.train), len(parts.dataset.validation)


def recipe_of(parts: Parts) -> dict[str, Any]:
    assert parts.recipe is not None
    return {name: getattr(parts.recipe, name) for name in parts.recipe.__slots__}


@pytest.mark.parametrize("problem", IMAGES)
def test_defaults__are_the_recipe_unless_a_keyword_says_otherwise(problem: str) -> None:
    spec, required = PROBLEMS[problem], REQUIRED.get(problem, {})
    recipe = recipe_of(assemble(problem, evaluator=InstantEvaluator(), **TINY[problem] | required))
    assert {name: recipe[name] for name in recipe if name in spec.defaults} == {
        name: value for name, value in spec.defaults.items() if name in recipe
    }
    other: dict[str, Any] = {"epochs": 99, "learning_rate": 0.5, "schedule": "constant", "patience": 3}
    found = recipe_of(assemble(problem, evaluator=InstantEvaluator(), **TINY[problem] | required, **other))
    assert found == recipe | other


def test_defaults__of_the_search_space_may_be_replaced() -> None:
    graph = assemble("NAS-CIFAR10-v0", evaluator=InstantEvaluator(), **ALL_IMAGES).search_space
    chain = assemble("NAS-CIFAR10-v0", evaluator=InstantEvaluator(), preset="chain", **ALL_IMAGES)
    assert isinstance(graph, ConvSpace) and isinstance(chain.search_space, ConvSpace)
    assert (graph.preset, chain.search_space.preset) == ("graph", "chain")


def test_defaults__ask_for_more_images_than_the_small_files_hold() -> None:
    with pytest.raises(InvalidArgumentError, match=r"train_samples must be .* got 5000"):
        assemble("NAS-MNIST-v0")


@pytest.mark.parametrize("problem", IMAGES)
def test_retraining__has_all_images_and_a_longer_recipe(problem: str) -> None:
    searched = {**QUICK[problem], "train_samples": 15, "validation_samples": 3, "learning_rate": 0.5}
    search = assemble(problem, **searched)
    again = assemble(problem, **retraining_keywords(f"nas_gym:{problem}", searched, {}))
    whole = assemble(problem, **QUICK[problem] | ALL_IMAGES)
    assert (sizes(search), sizes(again)) == ((15, 3), sizes(whole))
    longer = PROBLEMS[problem].retraining
    assert search.recipe is not None and again.recipe is not None
    assert again.recipe.epochs == longer["epochs"] > PROBLEMS[problem].defaults["epochs"]
    # What retraining has no value for is that of the search.
    assert again.recipe.learning_rate == longer.get("learning_rate", 0.5)
    assert again.search_space.tokens == search.search_space.tokens


def test_retraining__of_a_keyword_goes_before_both() -> None:
    searched = {"epochs": 3, "train_samples": 100, "batch_size": 16}
    given = {"epochs": 2, "train_samples": 50}
    again = assemble("NAS-Digits-v0", **retraining_keywords("NAS-Digits-v0", searched, given))
    assert again.recipe is not None
    assert (again.recipe.epochs, again.recipe.batch_size, sizes(again)[0]) == (2, 16, 50)
    assert searched == {"epochs": 3, "train_samples": 100, "batch_size": 16}


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        ("NAS-Bench-Moons-v0", "NAS-Bench-Moons-v0 looks its children up in a table, there is nothing to"),
        ("nas_gym:NAS-Bench-201-v0", "NAS-Bench-201-v0 looks its children up in a table"),
        ("NAS-Mars-v0", "unknown environment 'NAS-Mars-v0'"),
    ],
)
def test_retraining__of_what_is_not_trained_is_refused(problem: str, says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        retraining_keywords(problem, {}, {})
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("problem", IMAGES)
def test_reference_networks__fit_the_images_and_can_be_trained(problem: str) -> None:
    parts = assemble(problem, **QUICK[problem])
    assert parts.dataset is not None and parts.recipe is not None
    (child,) = random_children(parts.search_space, 1)
    networks = reference_models(parts, Model(child, nn.Identity, NetworkSize(1000, 1000)))
    assert bool(networks) != bool(parts.reference_models)
    for network in networks:
        training = retrain(network, schooling_of(parts), seed=0)
        assert training.test is not None and 0 <= training.test <= 1
        assert len(training.losses) == parts.recipe.epochs and network.size is not None


def test_latency__is_a_cost_that_a_reward_can_count(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    keywords = {**QUICK["NAS-Digits-v0"], "store": store}
    timed: dict[str, Any] = {
        "measure_latency": True,
        "reward": "accuracy_with_cost",
        "cost": "latency_seconds",
    }
    (child,) = random_children(ConvSpace(**{n: v for n, v in keywords.items() if n in SPACE}), 1)
    plain = gym.make("NAS-Digits-v0", **keywords)
    traded = gym.make("NAS-Digits-v0", **keywords, **timed, target=1e-3, exponent=-0.5)
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


SPACE = ("kernels", "filters", "pools", "dropouts")


def test_latency__that_was_not_measured_cannot_be_a_cost() -> None:
    timed: dict[str, Any] = {"reward": "accuracy_with_cost", "cost": "latency_seconds", "target": 1e-3}
    env = gym.make_vec("NAS-Digits-v0", num_envs=1, **QUICK["NAS-Digits-v0"], **timed)
    env.reset()
    env.step(np.array([0]))
    with pytest.raises(InvalidArgumentError, match="needs latency_seconds, which the evaluator of digits-v0"):
        env.step(np.array([env.unwrapped.single_action_space.n - 1]))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("problem", "keywords", "says"),
    [
        ("NAS-ImageFolder-v0", {}, "NAS-ImageFolder-v0 needs the keyword 'path'"),
        ("NAS-ImageFolder-v0", {"path": "/no/such/folder"}, "there is no folder /no/such/folder"),
        ("NAS-Digits-v0", {"kernels": (9,)}, "a kernel of 9x9 is larger than the images of 8x8 pixels"),
        ("NAS-Digits-v0", {"kernel_heights": (3,)}, "the preset chain has no argument 'kernel_heights'"),
        ("NAS-Digits-v0", {"evaluator": "fused"}, "NAS-Digits-v0 has processes, local"),
        ("NAS-Digits-v0", {"workers": 0}, "workers must be a positive integer or None, got 0"),
        ("NAS-Digits-v0", {"train_samples": 0}, "train_samples must be"),
        ("NAS-Digits-v0", {"precision": "mixed"}, "precision 'mixed' needs a CUDA device"),
    ],
)
def test_image_problem__says_in_one_line_what_is_wrong(
    problem: str, keywords: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError) as error:
        gym.make(problem, **keywords)
    assert says in str(error.value) and "\n" not in str(error.value)
