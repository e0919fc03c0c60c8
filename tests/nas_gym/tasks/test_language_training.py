import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nas_gym.datasets.texts.brackets import brackets
from nas_gym.datasets.texts.corpus import Tokens
from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.trainers.pytorch import TorchTrainer
from nas_gym.evaluators.training import TrainingEvaluator
from nas_gym.pools.base import Pool
from nas_gym.pools.here import Here
from nas_gym.pools.processes import Processes
from nas_gym.search_spaces import CellSpace
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.cell import kernel
from nas_gym.search_spaces.cell.network import State
from nas_gym.search_spaces.cell.references import NASCELL, nascell_layer
from nas_gym.tasks.base import Outcome, Rung, Source
from nas_gym.tasks.language_modelling import training as language_training
from nas_gym.tasks.language_modelling.language_model import DropoutMasks, LanguageModel
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.language_modelling.task import LanguageModelling
from nas_gym.tasks.language_modelling.training import perplexity_of, train_language_model
from nas_gym.testing import random_sentence

pytestmark = pytest.mark.usefixtures("compiled_cells")

CORPUS = brackets(train_tokens=4_000, validation_tokens=1_000, test_tokens=100)
VOCABULARY = len(CORPUS.vocabulary)
QUICK = LanguageRecipe(epochs=1, units=8, batch_size=16, bptt=10)


class Watching(LanguageModel):
    """Notes the shapes of what it reads, and whether it had a state and masks."""

    def __init__(self, units: int = 4) -> None:
        super().__init__(nascell_layer, VOCABULARY, units)
        self.calls: list[tuple[tuple[int, ...], bool, bool]] = []

    def forward(
        self, tokens: Tensor, state: Sequence[State] | None = None, masks: DropoutMasks | None = None
    ) -> tuple[Tensor, list[State]]:
        self.calls.append((tuple(tokens.shape), state is not None, masks is not None))
        return super().forward(tokens, state, masks)


class Exploding(Watching):
    """Has an infinite gradient in some windows, the first being 0, or a loss that is none from one on."""

    def __init__(self, windows: Collection[int], no_loss_from: int = 10**6) -> None:
        super().__init__()
        self.windows = windows
        self.no_loss_from = no_loss_from

    def forward(
        self, tokens: Tensor, state: Sequence[State] | None = None, masks: DropoutMasks | None = None
    ) -> tuple[Tensor, list[State]]:
        window = len(self.calls)
        logits, after = super().forward(tokens, state, masks)
        if window in self.windows:
            bias = self.output.bias
            logits = logits + (bias - bias.detach()).sqrt()  # adds 0, whose gradient is infinite
        return logits * (math.nan if window >= self.no_loss_from else 1), after


class Constant(nn.Module):
    """Gives every token the same logits and counts, in its state, what it has read."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits
        self.read: list[int] = []

    def forward(self, tokens: Tensor, state: int | None) -> tuple[Tensor, int]:
        self.read.append(0 if state is None else state)
        return self.logits.expand(*tokens.shape, -1), self.read[-1] + len(tokens)


def trained(recipe: LanguageRecipe = QUICK, seed: int = 0, train: Tokens = CORPUS.train) -> Outcome:
    module = task(recipe).build(CellSpace(), NASCELL)
    return train_language_model(module, train, CORPUS.validation, recipe, seed)


def changed(**values: Any) -> LanguageRecipe:  # noqa: ANN401
    return LanguageRecipe(**{name: getattr(QUICK, name) for name in QUICK.__slots__} | values)


def task(full: LanguageRecipe = QUICK, search: LanguageRecipe | None = None) -> LanguageModelling:
    recipes = [full] if search is None else [search, full]
    return LanguageModelling([Rung(recipe, Source(lambda: CORPUS)) for recipe in recipes])


def local(
    recipe: LanguageRecipe = QUICK, latency: bool = False, pool: Pool | None = None
) -> TrainingEvaluator:
    trainer = TorchTrainer(task(recipe), CellSpace(), measure_latency=latency)
    return TrainingEvaluator(trainer, pool or Here())


def cells(count: int) -> list[Architecture]:
    space, generator = CellSpace(), np.random.default_rng(0)
    return [space.decode(random_sentence(space, generator)) for _ in range(count)]


def test_perplexity__of_equal_chances_is_the_size_of_the_vocabulary() -> None:
    assert perplexity_of(Constant(torch.zeros(50)), CORPUS.validation) == pytest.approx(50.0, rel=1e-6)


def test_perplexity__of_unigrams_is_that_of_the_counts() -> None:
    chances = (np.bincount(CORPUS.train, minlength=VOCABULARY) + 1.0) / (len(CORPUS.train) + VOCABULARY)
    targets = np.bincount(CORPUS.validation[1:], minlength=VOCABULARY)
    expected = np.prod(chances ** (-targets / targets.sum()))
    found = perplexity_of(Constant(torch.tensor(np.log(chances))), CORPUS.validation)
    assert found == pytest.approx(expected, rel=1e-9)


def test_classes__fewer_than_tokens_make_one_of_all_others() -> None:
    recipe = changed(classes=3)
    module = task(QUICK, recipe).build(CellSpace(), NASCELL, rung=0)
    assert module.output.out_features == 3 and module.embedding.num_embeddings == VOCABULARY
    others = np.minimum(CORPUS.validation[1:], 2)
    counts = np.bincount(others, minlength=3)
    chances = torch.tensor(np.log(counts / counts.sum()))
    entropy = -np.sum(counts / counts.sum() * np.log(counts / counts.sum()))
    assert perplexity_of(Constant(chances), CORPUS.validation) == pytest.approx(np.exp(entropy), rel=1e-9)
    found = train_language_model(module, CORPUS.train, CORPUS.validation, recipe, seed=0)
    assert 1.0 < found.scores["perplexity"] < 3.0


def test_classes__are_counted_in_the_size() -> None:
    of_three = task(QUICK, changed(classes=3))
    module = of_three.build(CellSpace(), NASCELL)
    size = of_three.size(CellSpace(), NASCELL)
    assert size is not None
    assert size.parameters == sum(each.numel() for each in module.parameters())
    full = of_three.size(CellSpace(), NASCELL, rung=-1)
    assert full is not None and full.multiply_adds - size.multiply_adds == (VOCABULARY - 3) * QUICK.units


def test_classes__more_than_tokens_are_a_class_for_each() -> None:
    assert task(QUICK, changed(classes=1000)).build(CellSpace(), NASCELL).output.out_features == VOCABULARY


def test_classes__the_full_training_predicts_every_token() -> None:
    with pytest.raises(InvalidArgumentError, match=r"so its classes must be None, got 3; full\.classes is"):
        task(changed(classes=3))


def test_perplexity__is_of_one_column_with_one_state_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_training, "STEPS_AT_ONCE", 300)
    module = Constant(torch.zeros(VOCABULARY))
    for _ in range(2):
        perplexity_of(module, CORPUS.validation)
    assert module.read == [0, 300, 600, 900] * 2


def test_perplexity__does_not_depend_on_how_much_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    module = task().build(CellSpace(), NASCELL)
    result = train_language_model(module, CORPUS.train, CORPUS.validation, QUICK, seed=0)
    monkeypatch.setattr(language_training, "STEPS_AT_ONCE", 7)
    assert perplexity_of(module, CORPUS.validation) == pytest.approx(result.scores["perplexity"], rel=1e-5)


@pytest.mark.parametrize(("logit", "expected"), [(1e4, np.inf), (np.nan, np.nan)])
def test_perplexity__of_what_has_diverged_is_no_number(logit: float, expected: float) -> None:
    module = Constant(torch.tensor([logit, *[0.0] * (VOCABULARY - 1)]))
    np.testing.assert_equal(perplexity_of(module, CORPUS.validation), expected)


def test_training__learns_the_grammar() -> None:
    # Equal chances have a perplexity of 8, and no predictor one below 3.56.
    result = trained(LanguageRecipe(epochs=4, units=16, batch_size=16, bptt=20, learning_rate=2e-2))
    assert CORPUS.best_perplexity is not None
    assert CORPUS.best_perplexity < result.scores["perplexity"] < 6.0
    assert len(result.losses) == 4
    assert result.losses[-1] < result.losses[0] < np.log(8) + 0.1


@pytest.mark.parametrize(
    "recipe",
    [
        QUICK,
        changed(dropout=0.5),
        changed(tied=True, layers=2),
        changed(optimizer="sgd", learning_rate=1.0),
    ],
    ids=["plain", "dropout", "tied", "sgd"],
)
def test_training__is_a_function_of_recipe_and_seed(recipe: LanguageRecipe) -> None:
    torch.rand(1)  # the global generator's state must not matter
    first, second = trained(recipe), trained(recipe, seed=1)
    assert trained(recipe) == first
    assert first.scores != second.scores
    if recipe != QUICK:
        assert first != trained()


def test_training__carries_the_state_through_an_epoch_and_resets_it() -> None:
    module = Watching()
    train_language_model(module, CORPUS.train[:450], CORPUS.validation[:30], changed(epochs=2), seed=0)
    epoch = [((10, 16), False, False), ((10, 16), True, False), ((7, 16), True, False)]
    assert module.calls == [*epoch, *epoch, ((29, 1), False, False)]


def test_training__compiles_nothing_after_the_warm_up() -> None:
    task().warm_up("cpu")
    known = [list(function.signatures) for function in (kernel.forward, kernel.backward)]
    trained(changed(dropout=0.5, max_batches=1))
    trained(changed(max_batches=1))
    assert [function.signatures for function in (kernel.forward, kernel.backward)] == known
    assert [len(signatures) for signatures in known] == [1, 1]


def test_training__drops_out_in_training_alone() -> None:
    module = Watching()
    recipe = changed(dropout=0.5, max_batches=2)
    train_language_model(module, CORPUS.train, CORPUS.validation[:30], recipe, seed=0)
    assert module.calls == [((10, 16), False, True), ((10, 16), True, True), ((29, 1), False, False)]


def test_training__takes_smaller_steps_after_the_constant_epochs() -> None:
    def losses(constant_epochs: int) -> tuple[float, ...]:
        steps = {"optimizer": "sgd", "learning_rate": 1.0, "decay": 1e-30, "max_batches": 3}
        return trained(changed(epochs=3, constant_epochs=constant_epochs, **steps)).losses

    first, second, third = losses(1)
    assert first > second == third, "only the first epoch changes the weights"
    assert losses(3)[-1] < third


def test_training__clips_the_gradient_of_all_parameters_together() -> None:
    def weights(learning_rate: float) -> Tensor:
        module = task().build(CellSpace(), NASCELL)
        steps = {"optimizer": "sgd", "clip": 1e-3, "max_batches": 1}
        recipe = changed(learning_rate=learning_rate, **steps)
        train_language_model(module, CORPUS.train, CORPUS.validation, recipe, seed=0)
        return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])

    step = (weights(10.0) - weights(1e-30)).norm().item()
    assert step == pytest.approx(10.0 * 1e-3, rel=1e-2)


@pytest.mark.parametrize("clip", [1.0, None])
def test_training__skips_windows_whose_gradient_is_not_finite(clip: float | None) -> None:
    def weights(exploding: Collection[int], windows: int) -> Tensor:
        module = Exploding(exploding)
        recipe = changed(max_batches=windows, clip=clip)
        assert train_language_model(module, CORPUS.train, CORPUS.validation, recipe, 0).reason is None
        return torch.cat([parameter.detach().flatten() for parameter in module.parameters()])

    once = weights((), 1)
    assert torch.equal(weights((1, 2), 3), once), "the second and the third change nothing"
    assert not torch.equal(weights((), 3), once)
    assert not torch.equal(weights((0, 1), 3), weights((0, 1), 2)), "the one after them does"


def test_training__stops_what_does_not_come_back() -> None:
    def outcome(module: Exploding) -> tuple[str | None, int]:
        found = train_language_model(module, CORPUS.train, CORPUS.validation[:30], changed(epochs=3), 0)
        return found.reason, len(module.calls)

    most, windows = language_training.MAX_SKIPPED, 25  # of an epoch
    says = f"the gradient was not finite {most} times in a row, in epoch 2"
    assert outcome(Exploding(range(windows - 1, 1000))) == (says, windows - 1 + most)
    assert outcome(Exploding([*range(most - 1), *range(most, 2 * most - 1)])) == (None, 3 * windows + 1)
    says = "the loss is not finite in epoch 2"
    assert outcome(Exploding((), no_loss_from=windows + 3)) == (says, windows + 4)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"learning_rate": 1e30}, "the gradient was not finite 20 times in a row, in epoch 1"),
        ({"learning_rate": 1e300, "max_batches": 1}, "the weights are not finite after epoch 1"),
    ],
)
def test_evaluator__a_diverging_cell_fails(changes: dict[str, Any], reason: str) -> None:
    (evaluation,) = local(changed(optimizer="sgd", clip=None, **changes)).evaluate([NASCELL])
    assert (evaluation.status, evaluation.score) == ("failed", None)
    assert evaluation.reason == reason


def test_evaluator__trains_many_random_cells() -> None:
    evaluator = local(changed(max_batches=3))
    evaluations = evaluator.evaluate(cells(30))
    for evaluation in evaluations:
        assert evaluation.status == "ok", evaluation.reason
        assert list(evaluation.scores) == ["perplexity"] and evaluation.scores["perplexity"] > 1.0
    assert len({evaluation.score for evaluation in evaluations}) == 30


def test_evaluator__measures_the_time_of_one_token() -> None:
    evaluator = local(latency=True)
    (evaluation,) = evaluator.evaluate([NASCELL])
    assert evaluation.latency_seconds is not None and 0 < evaluation.latency_seconds < evaluation.seconds


@pytest.mark.slow
@pytest.mark.timeout(120)  # workers import PyTorch and Numba first
def test_evaluator__workers_find_the_same() -> None:
    children = [NASCELL, *cells(2)]
    with local(pool=Processes(1)) as evaluator:
        elsewhere = evaluator.evaluate(children)
    here = local().evaluate(children)
    assert [e.as_info() for e in elsewhere] == [e.as_info() for e in here]
    assert all(evaluation.status == "ok" for evaluation in here)
