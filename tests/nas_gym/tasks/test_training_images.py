from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import skip_init

from nas_gym.datasets.base import Split
from nas_gym.datasets.tables.moons import moons
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.trainers.base import Child
from nas_gym.evaluators.trainers.fused.trainer import FusedTrainer
from nas_gym.evaluators.trainers.pytorch import TorchTrainer
from nas_gym.search_spaces import MlpSpace
from nas_gym.tasks.classification import TrainingRecipe
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.initialisation import UnknownLayerError, initialise
from nas_gym.tasks.supervised.training import averaged
from tests.nas_gym.tasks.images import MadeUpSpace, build, child, classification, digits, local

DATA = digits()
RECIPE = TrainingRecipe(epochs=3, patience=None)
OTHERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.05},
    "momentum": {"optimizer": "sgd", "learning_rate": 0.05, "momentum": 0.5},
    "decay": {"weight_decay": 0.5},
    "cosine": {"schedule": "cosine"},
    "one_cycle": {"schedule": "one_cycle"},
    "ema": {"ema_decay": 0.9},
    "smoothing": {"label_smoothing": 0.3},
    "bfloat16": {"precision": "bfloat16"},
    "flip": {"augmentation": "flip"},
    "crop": {"augmentation": "crop"},
    "crop_flip": {"augmentation": "crop_flip"},
}


def evaluate(recipe: TrainingRecipe = RECIPE, seed: int = 0, what: str = "conv") -> Evaluation:
    evaluation = local(build, DATA, recipe).evaluate([child(what)], [seed])[0]
    return replace(evaluation, seconds=0.0)


def test_child__learns_images() -> None:
    evaluation = evaluate(TrainingRecipe(epochs=15, patience=None))
    assert evaluation.status == "ok"
    assert evaluation.scores["accuracy"] > 0.8
    assert evaluation.parameters == 4 * 9 + 2 * 4 + 64 * 10 + 10


@pytest.mark.parametrize("name", OTHERS)
def test_recipe__trains_in_another_way(name: str) -> None:
    made: list[nn.Module] = []

    def keeping(_: object) -> nn.Module:
        made.append(build(child("conv")))
        return made[-1]

    for recipe in (RECIPE, TrainingRecipe(epochs=3, patience=None, **OTHERS[name])):
        (evaluation,) = local(keeping, DATA, recipe).evaluate([child("conv")], [0])
        assert evaluation.status == "ok"
        assert evaluation.recipe == recipe.id
    assert not torch.equal(*(module.state_dict()["6.weight"] for module in made))


def test_child__repeats_for_a_seed_with_dropout_and_augmentation() -> None:
    recipe = replace(RECIPE, augmentation="crop_flip", epochs=1)
    accuracies = [evaluate(recipe, seed).score for seed in range(6)]
    assert accuracies == [evaluate(recipe, seed).score for seed in range(6)]
    assert len(set(accuracies)) > 1


def test_child__neither_depends_on_the_global_generator_nor_moves_it() -> None:
    first = evaluate()
    torch.rand(7)
    before = torch.get_rng_state()
    assert evaluate() == first
    assert torch.equal(torch.get_rng_state(), before)


def test_child__does_not_depend_on_the_number_of_threads() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        on_two = evaluate()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert evaluate() == on_two


def test_last_epochs_accuracy__is_the_largest_of_five() -> None:
    # A learning rate that ruins what it has learned: the best epoch is not among the last.
    for seed in range(20):
        restless = TrainingRecipe(epochs=9, patience=None, learning_rate=0.3)
        whole, shorter = evaluate(restless, seed), evaluate(replace(restless, epochs=4), seed)
        assert shorter.scores["last_epochs_accuracy"] == shorter.score
        if whole.scores["last_epochs_accuracy"] < whole.scores["accuracy"]:
            assert whole.score == shorter.score
            return
    raise AssertionError("no child was best before its last five epochs")


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("raises", "ValueError: this network cannot be"),
        ("is-not-finite", "the weights are not finite after epoch 1"),
        ("is-sure", "the loss is not finite after epoch 1"),
    ],
)
def test_child__that_goes_wrong_is_failed(what: str, reason: str) -> None:
    evaluation = evaluate(what=what)
    assert (evaluation.status, evaluation.reason) == ("failed", reason)
    assert evaluation.score is None and not evaluation.scores


def test_child__that_wants_too_much_memory_is_failed() -> None:
    evaluation = evaluate(what="is-too-large")
    assert evaluation.status == "failed"
    assert evaluation.reason is not None and "RuntimeError" in evaluation.reason
    assert "\n" not in evaluation.reason


def test_initialise__draws_as_pytorch_does() -> None:
    module = nn.Sequential(
        skip_init(nn.Conv2d, 6, 32, (3, 5), groups=2),
        skip_init(nn.Conv1d, 3, 64, 7),
        skip_init(nn.BatchNorm2d, 4),
    )
    for parameter in [*module.parameters(), *module.buffers()]:
        parameter.detach().fill_(77)
    initialise(module, torch.Generator().manual_seed(0))
    for layer, fan_in in ((module[0], 3 * 15), (module[1], 3 * 7)):
        for values in layer.parameters():
            assert fan_in**-0.5 * 0.8 < values.abs().max() <= fan_in**-0.5
            assert len(values.unique()) > 0.99 * values.numel()
    state = module[2].state_dict()
    assert state["weight"].tolist() == state["running_var"].tolist() == [1.0] * 4
    assert state["bias"].tolist() == state["running_mean"].tolist() == [0.0] * 4
    assert state["num_batches_tracked"] == 0


def test_initialise__does_not_leave_a_layer_as_it_is() -> None:
    with pytest.raises(UnknownLayerError, match="initialise does not know the layer PReLU"):
        evaluate(what="is-unknown")


def test_recipe__keeps_the_id_that_tables_carry() -> None:
    assert TrainingRecipe().id == "adam(epochs=100, batch_size=32, learning_rate=0.01, patience=10)"
    recipe = TrainingRecipe(optimizer="sgd", patience=None, weight_decay=1e-4, augmentation="crop_flip")
    assert recipe.id == (
        "sgd(epochs=100, batch_size=32, learning_rate=0.01, patience=None, "
        "weight_decay=0.0001, augmentation=crop_flip)"
    )
    assert len({replace(RECIPE, **other).id for other in OTHERS.values()} | {RECIPE.id}) == len(OTHERS) + 1


def test_recipe__comes_down_with_the_cosine() -> None:
    recipe = TrainingRecipe(epochs=4, learning_rate=1.0, schedule="cosine")
    assert [recipe.learning_rate_of(epoch) for epoch in (1, 3)] == pytest.approx([1.0, 0.5])
    assert 0 < recipe.learning_rate_of(4) < 0.2


def test_recipe__goes_up_and_down_in_one_cycle_as_pytorch_does() -> None:
    recipe = TrainingRecipe(epochs=10, learning_rate=0.5, schedule="one_cycle")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.5, total_steps=1000, cycle_momentum=False
    )
    for step in range(1000):
        ours = recipe.learning_rate_of(1 + step // 100, step % 100 / 100)
        assert ours == pytest.approx(theirs.get_last_lr()[0], abs=0.5 * 0.01), step
        optimizer.step()
        theirs.step() if step < 999 else None


def test_child__judged_at_the_end_keeps_its_last_weights() -> None:
    recipe = TrainingRecipe(epochs=4, patience=None, learning_rate=0.05)
    for seed in range(9):
        every, last = evaluate(recipe, seed), evaluate(replace(recipe, judged="last"), seed)
        assert last.scores["accuracy"] == last.scores["last_epochs_accuracy"] <= every.scores["accuracy"]
        if last.score != every.score:
            return
    raise AssertionError("no child was better before its last epoch")


def test_child__has_all_scores_of_its_best_epoch() -> None:
    evaluation = evaluate()
    assert list(evaluation.scores) == ["accuracy", "log_loss", "last_epochs_accuracy"]
    trained = TorchTrainer(classification(DATA, RECIPE), MadeUpSpace(build)).train(Child(child("conv"), 0))
    told = trained.scores("validation")
    assert {name: trained.outcome.scores[name] for name in told} == told


def test_bfloat16__learns_as_float32_does() -> None:
    recipe = TrainingRecipe(epochs=15, patience=None)
    full, half = (evaluate(replace(recipe, precision=precision)) for precision in ("float32", "bfloat16"))
    assert half.scores["accuracy"] > 0.8 and half.scores != full.scores
    assert abs(half.scores["log_loss"] - full.scores["log_loss"]) < 0.2


def test_ema__follows_weights_and_statistics_less_at_the_start() -> None:
    module = nn.BatchNorm1d(2)
    average = averaged(module, decay=0.25)
    weights, means, counts = [], [], []
    for step in range(4):
        values = {"weight": step, "bias": 0, "running_mean": 10 * step, "running_var": 1}
        state = {name: torch.full((2,), float(value)) for name, value in values.items()}
        module.load_state_dict({**state, "num_batches_tracked": torch.tensor(step)})
        average.update_parameters(module)
        followed = average.module.state_dict()
        weights.append(followed["weight"][0].item())
        means.append(followed["running_mean"][0].item())
        counts.append(followed["num_batches_tracked"].item())
    # The first step is copied, the second leaves (1 + 1) / (10 + 1), the others at most the decay.
    expected, shares = [0.0], [2 / 11, 3 / 12, 0.25]
    for step, share in enumerate(shares, start=1):
        expected.append(share * expected[-1] + (1 - share) * step)
    assert weights == pytest.approx(expected)
    assert means == pytest.approx([10 * each for each in expected])
    assert counts == [0, 1, 2, 3]


def test_ema__is_what_is_judged_and_kept() -> None:
    trainer = TorchTrainer(classification(DATA, replace(RECIPE, ema_decay=0.95)), MadeUpSpace(build))
    found = trainer.train(Child(child("conv"), 0))
    module = build(child("conv"))
    module.load_state_dict(found.state_dict())
    judged, told = trainer.task.judge(module, "validation"), found.outcome.scores
    assert judged["log_loss"] == pytest.approx(told["log_loss"], rel=1e-6)
    plain = TorchTrainer(classification(DATA, RECIPE), MadeUpSpace(build)).train(Child(child("conv"), 0))
    assert plain.outcome.losses == found.outcome.losses, "the steps are the same"
    assert plain.outcome.scores["log_loss"] != found.outcome.scores["log_loss"]


def test_label_smoothing__is_pytorchs() -> None:
    logits, labels = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.arange(5) % 3
    task = classification(DATA, replace(RECIPE, label_smoothing=0.3))
    mine, plain = (each.loss(logits, labels, 0) for each in (task, classification(DATA, RECIPE)))
    spread = -torch.log_softmax(logits, dim=1).mean()
    assert torch.allclose(mine, 0.7 * plain + 0.3 * spread)


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"optimizer": "lion"}, "optimizer must be one of adam, sgd, got 'lion'"),
        ({"schedule": None}, "schedule must be one of constant, cosine, one_cycle, got None"),
        ({"augmentation": "mixup"}, "augmentation must be one of none, flip, crop, crop_flip, got 'mixup'"),
        ({"precision": 16}, "precision must be one of auto, float32, mixed, bfloat16, got 16"),
        (
            {"judged": "last"},
            "judged='last' knows no epoch before the last, so patience must be None, got 10",
        ),
        ({"label_smoothing": 1}, "label_smoothing must be a number from 0 to below 1, got 1"),
        ({"ema_decay": 1}, "ema_decay must be a number from 0 to below 1, got 1"),
        ({"momentum": 1}, "momentum must be a number from 0 to below 1, got 1"),
        ({"weight_decay": -1}, "weight_decay must be a number from 0, got -1"),
        ({"weight_decay": float("nan")}, "got nan"),
    ],
)
def test_recipe__refuses_what_it_does_not_know(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        TrainingRecipe(**keywords)
    assert says in str(error.value)


@pytest.mark.parametrize("keywords", [*OTHERS.values(), {"patience": None}])
def test_fused_trainer__refuses_what_the_kernel_cannot_do(keywords: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match="unknown to the compiled trainer") as error:
        FusedTrainer(classification(moons(), TrainingRecipe(**keywords)), MlpSpace())
    assert "\n" not in str(error.value)


def test_trainer__refuses_a_recipe_that_suits_neither_data_nor_device() -> None:
    with pytest.raises(InvalidArgumentError, match="needs images of shape"):
        local(build, moons(), TrainingRecipe(augmentation="flip"))
    with pytest.raises(InvalidArgumentError, match="precision 'mixed' needs a CUDA device"):
        local(build, DATA, TrainingRecipe(precision="mixed"))


def test_trained__has_the_weights_that_its_scores_belong_to() -> None:
    trainer = TorchTrainer(classification(DATA, RECIPE), MadeUpSpace(build))
    found, again, other = (trainer.train(Child(child("conv"), seed)) for seed in (3, 3, 4))
    module, state = build(child("conv")), found.state_dict()
    module.load_state_dict(state)
    assert trainer.task.judge(module, "validation")["accuracy"] == found.outcome.scores["accuracy"]
    assert found.scores("validation")["accuracy"] == found.outcome.scores["accuracy"]
    assert (again.outcome.scores, again.scores("test")) == (found.outcome.scores, found.scores("test"))
    assert any(not torch.equal(state[name], value) for name, value in other.state_dict().items())
    with pytest.raises(InvalidArgumentError, match="digits came without its test part"):
        trainer.without_test().train(Child(child("conv"), 3)).scores("test")


def test_schedule__gives_a_tie_to_the_later_epoch() -> None:
    held_out = DATA.validation.features[:1], DATA.validation.labels[:1]
    easy = replace(DATA, validation=Split(*held_out))  # right or wrong: nearly all epochs tie
    weights = []
    for schedule in ("constant", "cosine"):
        recipe = TrainingRecipe(epochs=4, patience=None, schedule=schedule, learning_rate=1e-5)
        trained = [build(child("conv")) for _ in range(2)]
        for module, epochs in zip(trained, (4, 1), strict=True):
            shorter = recipe if epochs == 4 else replace(recipe, epochs=1)
            classification(easy, shorter).train(module, seed=0)
        one, other = (module.state_dict() for module in trained)
        weights.append(all(torch.equal(one[name], other[name]) for name in one))
    assert weights == [True, False]
