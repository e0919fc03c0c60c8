from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nas_gym.datasets.texts.brackets import brackets
from nas_gym.search_spaces import CellSpace
from nas_gym.search_spaces.cell.references import GruLayer, lstm_layer, nascell_layer
from nas_gym.tasks.base import Rung, Source
from nas_gym.tasks.language_modelling.language_model import DropoutMasks, LanguageModel
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.language_modelling.task import LanguageModelling
from nas_gym.testing import random_sentence
from tests.nas_gym.search_spaces.cells import draw_weights

pytestmark = pytest.mark.usefixtures("compiled_cells")

VOCABULARY, UNITS, BATCH = 7, 5, 3
TOKENS = torch.arange(11 * BATCH).reshape(11, BATCH) * 5 % VOCABULARY


def model(**keywords: bool | int) -> LanguageModel:
    return draw_weights(LanguageModel(nascell_layer, VOCABULARY, UNITS, **keywords))  # type: ignore[arg-type]


def no_dropout(module: LanguageModel) -> DropoutMasks:
    return module.draw_masks(BATCH, 0.0, torch.Generator())


def logits(module: LanguageModel, masks: DropoutMasks | None = None, tokens: Tensor = TOKENS) -> Tensor:
    found: Tensor = module(tokens, None, masks)[0].detach()
    return found


@pytest.mark.parametrize("base", [2, 8])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("tied", [False, True])
def test_size__is_that_of_the_module(base: int, layers: int, tied: bool) -> None:
    space, generator = CellSpace(base), np.random.default_rng(0)
    cell = space.decode(random_sentence(space, generator))
    corpus = brackets(train_tokens=50, validation_tokens=50, test_tokens=50)
    recipe = LanguageRecipe(units=UNITS, layers=layers, tied=tied)
    task = LanguageModelling([Rung(recipe, Source(lambda: corpus))])
    size, module = task.size(space, cell), task.build(space, cell)
    assert size is not None
    assert size.parameters == sum(parameter.numel() for parameter in module.parameters())
    matrices = [p.numel() for name, p in module.named_parameters() if p.ndim == 2 and "embedding" not in name]
    assert size.multiply_adds == sum(matrices) + (len(corpus.vocabulary) * UNITS if tied else 0)


@pytest.mark.parametrize("make_layer", [nascell_layer, lstm_layer, GruLayer])
def test_model__goes_on_from_a_state(make_layer: type[GruLayer]) -> None:
    module = draw_weights(LanguageModel(make_layer, VOCABULARY, UNITS, layers=2))
    whole, end = module(TOKENS)
    first, state = module(TOKENS[:4])
    rest, same_end = module(TOKENS[4:], state)
    assert whole.shape == (11, BATCH, VOCABULARY)
    torch.testing.assert_close(torch.cat([first, rest]), whole)
    torch.testing.assert_close(same_end, end)
    assert not torch.allclose(module(TOKENS[4:])[0], rest), "without its state it predicts something else"


def test_model__predicts_without_seeing_what_comes() -> None:
    module, other = model(layers=2), TOKENS.clone()
    other[6:] = 0
    assert torch.equal(logits(module)[:6], logits(module, tokens=other)[:6])
    assert not torch.allclose(logits(module)[6:], logits(module, tokens=other)[6:])


def test_model__tied_has_one_matrix_with_both_gradients() -> None:
    module = model(tied=True)
    assert module.output.weight is module.embedding.weight
    module(TOKENS * 0)[0][..., 1].sum().backward()
    gradient = module.embedding.weight.grad
    assert gradient is not None
    assert gradient[:2].abs().sum(1).all(), "word 0 is read, word 1 is predicted"
    assert not gradient[2:].any()


def test_masks__hold_nothing_or_what_makes_up_for_it() -> None:
    module = LanguageModel(nascell_layer, 1000, 40, layers=2)
    masks = module.draw_masks(50, 0.25, torch.Generator().manual_seed(1))
    assert masks.words.shape == (1000, 1)
    units = [*masks.inputs, *masks.states, masks.outputs]
    assert [mask.shape for mask in units] == [(50, 40)] * 5
    for mask in (masks.words, *units):
        assert set(mask.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
        assert mask.mean().item() == pytest.approx(1.0, abs=0.06)
    assert len({tuple(mask.flatten().tolist()) for mask in units}) == 5
    again = module.draw_masks(50, 0.25, torch.Generator().manual_seed(1))
    assert torch.equal(masks.outputs, again.outputs)


def test_masks__of_ones_change_nothing() -> None:
    module = model(layers=2)
    parameters, found = list(module.parameters()), []
    for masks in (None, no_dropout(module)):  # without masks the vocabulary is projected, not each token
        values, _ = module(TOKENS, None, masks)
        found.append((values.detach(), *torch.autograd.grad(values[..., 1].square().sum(), parameters)))
    torch.testing.assert_close(found[0], found[1])


def test_masks__reach_words_inputs_states_and_outputs() -> None:
    module = model(layers=2)
    masks, nothing = no_dropout(module), torch.zeros(BATCH, UNITS)
    without_outputs = logits(module, replace(masks, outputs=nothing))
    torch.testing.assert_close(without_outputs, module.output.bias.detach().expand_as(without_outputs))
    words = masks.words.clone()
    words[2] = 0.0
    found = logits(module, replace(masks, words=words))
    with torch.no_grad():
        module.embedding.weight[2] = 0.0
    torch.testing.assert_close(found, logits(module))
    for layer in range(2):
        for part in ("inputs", "states"):
            changed = [nothing if i == layer else mask for i, mask in enumerate(getattr(masks, part))]
            masks_of_part: dict[str, Any] = {part: tuple(changed)}
            changed_logits = logits(module, replace(masks, **masks_of_part))
            assert not torch.allclose(changed_logits[1:], logits(module)[1:])
