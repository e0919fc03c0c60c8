"""What only a machine with a GPU can show; elsewhere these tests are skipped, with that reason."""

from statistics import mean, stdev
from time import perf_counter
from typing import Any

import numpy as np
import pytest
import torch

from nas_gym.datasets.base import Dataset, Split
from nas_gym.evaluators.trainers.base import Child
from nas_gym.evaluators.trainers.pytorch import TorchTrainer
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.pools.here import Here
from nas_gym.pools.processes import Processes
from nas_gym.problems.images import ZOPH
from nas_gym.search_spaces import ChainSpace, GraphSpace, PyramidSpace
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.classification import TrainingRecipe
from nas_gym.testing import random_sentence
from tests.nas_gym.doubles import TEXTS, quick, random_children
from tests.nas_gym.search_spaces.convolutional_spaces import FIGURE_7
from tests.nas_gym.tasks.images import MadeUpSpace, build, child, classification, digits

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
    pytest.mark.timeout(300),
]

SPACES: list[SearchSpace] = [
    ChainSpace(filters=(8,), pools=(1, 2)),
    GraphSpace(filters=(24,), max_layers=4),
    PyramidSpace(max_layers=5),
]
SEEDS = range(5)


def trainer(space: SearchSpace, device: str, **values: Any) -> TorchTrainer:  # noqa: ANN401
    recipe = TrainingRecipe(**{"epochs": 8, "patience": None, **values})
    return TorchTrainer(classification(digits(), recipe), space, device)


@pytest.mark.parametrize("precision", ["float32", "mixed", "bfloat16"])
@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.id)
def test_child__of_every_image_space_trains_in_every_precision(space: SearchSpace, precision: str) -> None:
    network = space.decode(random_sentence(space, np.random.default_rng(0)))
    found = trainer(space, "cuda", precision=precision).train(Child(network, 0))
    assert found.outcome.reason is None
    assert found.outcome.losses[-1] < found.outcome.losses[0]
    assert all(value.device.type == "cpu" for value in found.state_dict().values())


@pytest.mark.parametrize("name", ["NAS-Moons-v0", *TEXTS])
def test_child__of_tables_and_texts_trains(name: str) -> None:
    problem = quick(name, evaluator={"name": "local", "device": "cuda"})
    evaluator = problem.make_evaluator()
    (found,) = evaluator.evaluate(random_children(problem.search_space, 1))
    assert (found.status, found.reason) == ("ok", None)


@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_accuracy__differs_from_the_processors_by_no_more_than_seeds_do(precision: str) -> None:
    of = {}
    for device, asked in (("cpu", "float32"), ("cuda", precision)):
        on = trainer(MadeUpSpace(build), device, precision=asked)
        of[device] = [on.train(Child(child("conv"), seed)).outcome.scores["accuracy"] for seed in SEEDS]
    noise = (stdev(of["cpu"]) ** 2 / len(SEEDS) + stdev(of["cuda"]) ** 2 / len(SEEDS)) ** 0.5
    assert abs(mean(of["cpu"]) - mean(of["cuda"])) < max(4 * noise, 0.01), of


@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_child__repeats_for_a_seed_to_rounding(precision: str) -> None:
    on = trainer(MadeUpSpace(build), "cuda", precision=precision)
    first, again = (on.train(Child(child("conv"), 3)).outcome.losses for _ in range(2))
    assert first == pytest.approx(again, rel=0.05)


def test_children__share_a_device() -> None:
    evaluator = TrainingEvaluator(trainer(PyramidSpace(max_layers=5), "cuda"), Processes(workers=3))
    try:
        found = evaluator.evaluate(random_children(PyramidSpace(max_layers=5), 6))
    finally:
        evaluator.close()
    assert [each.status for each in found] == ["ok"] * 6


def test_memory__is_free_again_after_a_child_that_wants_too_much() -> None:
    def wanting(_: object) -> torch.nn.Module:
        network = build(child("conv"))
        network.register_buffer("hoard", torch.empty(1 << 44, dtype=torch.uint8, device="meta"))
        return network.to_empty(device="cuda")

    before = torch.cuda.memory_allocated()
    on = trainer(MadeUpSpace(wanting), "cuda")
    (failed,) = TrainingEvaluator(on, Here()).evaluate([child("conv")])
    assert failed.status == "failed" and failed.reason is not None and "\n" not in failed.reason
    assert torch.cuda.memory_allocated() == before
    (following,) = TrainingEvaluator(trainer(MadeUpSpace(build), "cuda"), Here()).evaluate([child("conv")])
    assert following.status == "ok"


@pytest.mark.parametrize("precision", ["float32", "mixed"])
def test_figure_7__learns_an_epoch_of_the_papers_recipe(
    precision: str,
    record_property: Any,  # noqa: ANN401
) -> None:
    """15 layers, 4.2 million weights; how many images a second stands in the report of the tests."""
    generator = np.random.default_rng(0)

    def images(count: int) -> Split:
        pixels = generator.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
        return Split(pixels, generator.integers(0, 10, count))

    count = 10_000
    data = Dataset("noise", images(count), images(1_000), images(10), "made up", "CC0", classes=10)
    values = {name: value for name, value in ZOPH.items() if not name.endswith("_samples")}
    recipe = TrainingRecipe(**{**values, "epochs": 1, "patience": None, "precision": precision})
    on = TorchTrainer(classification(data, recipe), GraphSpace(), "cuda")
    on.warm_up()
    start = perf_counter()
    found = on.train(Child(GraphSpace().parse(FIGURE_7), 0))
    torch.cuda.synchronize()
    record_property("images_per_second", count / (perf_counter() - start))
    assert found.outcome.reason is None
