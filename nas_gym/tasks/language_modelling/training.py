"""Training of one language model in PyTorch.

``supervised/training.py`` reads samples in random order, here is a text to be read in its own, with a state.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nas_gym.datasets.texts.corpus import Tokens
from nas_gym.tasks.base import Outcome
from nas_gym.tasks.initialisation import initialise
from nas_gym.tasks.language_modelling.language_model import LanguageModel
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe
from nas_gym.tasks.language_modelling.token_windows import Columns, batchify, windows
from nas_gym.tasks.metric import PERPLEXITY

DROPOUT_STREAM = 0x1B873593
"""What keeps the generators of one child apart: all start from its seed."""
STEPS_AT_ONCE = 512
"""Time steps that a model reads at once when it is judged: bounds memory, does not change the result."""
MAX_SKIPPED = 20
"""Windows in a row whose gradient may be no number: a cell that has exploded does not come back."""
MAX_LOSS = 700.0
"""Largest mean loss whose perplexity is a float64."""


def train_language_model(
    module: LanguageModel,
    train: Tokens,
    validation: Tokens,
    recipe: LanguageRecipe,
    seed: int,
    device: str = "cpu",
) -> Outcome:
    """Initialise and train a language model in place.

    A window whose gradient is not finite changes nothing: clipping would make all weights NaN, since an
    infinite norm times zero is none. After many of them in a row, or a loss that is not finite, training
    stops.

    Args:
        module: The model, its parameters not yet initialised; it is moved to the device.
        train: What to learn from, int32, ``(tokens,)``.
        validation: What to judge it on at the end, as ``train``.
        recipe: How to train.
        seed: Seed of the initial weights and of dropout.
        device: PyTorch's name of the device.

    Returns:
        The validation perplexity and the mean loss of the windows of each epoch, in nats per token; or the
        reason why there is no perplexity.
    """
    initialise(module, torch.Generator().manual_seed(seed))
    module.to(device)
    masks_from = torch.Generator().manual_seed(seed ^ DROPOUT_STREAM)
    optimizer = _optimizer(module, recipe)
    columns = batchify(train, recipe.batch_size)
    most = math.inf if recipe.clip is None else recipe.clip
    losses: list[float] = []
    skipped = 0
    for epoch in range(1, recipe.epochs + 1):
        module.train()
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate_of(epoch)
        total_loss, count, state = torch.zeros((), device=device), 0, None
        for inputs, targets in _windows(columns, recipe.bptt, device):
            if count == recipe.max_batches:
                break
            masks = (
                module.draw_masks(recipe.batch_size, recipe.dropout, masks_from) if recipe.dropout else None
            )
            logits, after = module(inputs, state, masks)
            state = [(hidden.detach(), cell.detach()) for hidden, cell in after]
            loss = _loss(logits, targets, "mean")
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(module.parameters(), most)
            if not loss.isfinite():
                return Outcome(reason=f"the loss is not finite in epoch {epoch}", losses=tuple(losses))
            if norm.isfinite():
                optimizer.step()
                skipped = 0
            else:
                skipped += 1
            if skipped == MAX_SKIPPED:
                reason = f"the gradient was not finite {skipped} times in a row, in epoch {epoch}"
                return Outcome(reason=reason, losses=tuple(losses))
            total_loss += loss.detach()
            count += 1
        if not all(value.isfinite().all() for value in module.state_dict().values()):
            return Outcome(reason=f"the weights are not finite after epoch {epoch}", losses=tuple(losses))
        losses.append(float(total_loss) / count)
    perplexity = perplexity_of(module, validation, device)
    if not math.isfinite(perplexity):
        return Outcome(reason=f"the validation perplexity is {perplexity}", losses=tuple(losses))
    return Outcome({PERPLEXITY.name: perplexity}, losses=tuple(losses))


def perplexity_of(module: nn.Module, tokens: Tokens, device: str = "cpu") -> float:
    """Return how many equally likely tokens a model chooses from on average: exp of its mean loss.

    The text is one column, read from beginning to end with one state, zeros at its start. So every token
    but the first is predicted once, from all those before it.

    Args:
        module: From int64 ``(time, 1)`` and a state, ``None`` at the start, to logits
            ``(time, 1, classes)`` and a state.
        tokens: What to judge it on, int32, ``(tokens,)``.
        device: PyTorch's name of the device of the module.

    Returns:
        At least 1; infinity or NaN if the model has diverged.
    """
    module.eval()
    total, state = torch.zeros((), dtype=torch.float64, device=device), None
    with torch.no_grad():
        for inputs, targets in _windows(batchify(tokens, 1), STEPS_AT_ONCE, device):
            logits, state = module(inputs, state)
            total += _loss(logits, targets, "none").double().sum()
    mean = float(total) / (len(tokens) - 1)
    return math.exp(mean) if not mean > MAX_LOSS else math.inf


def _loss(logits: Tensor, targets: Tensor, reduction: str) -> Tensor:
    """Return the cross-entropy of targets; of fewer classes than tokens the last is all others."""
    classes = targets.flatten().clamp(max=logits.shape[-1] - 1)
    return cross_entropy(logits.flatten(0, 1), classes, reduction=reduction)


def _windows(columns: Columns, steps: int, device: str) -> Iterator[tuple[Tensor, Tensor]]:
    for inputs, targets in windows(columns, steps):
        yield (
            torch.from_numpy(inputs.astype("int64")).to(device),
            torch.from_numpy(targets.astype("int64")).to(device),
        )


def _optimizer(module: nn.Module, recipe: LanguageRecipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "adam":
        return torch.optim.Adam(module.parameters(), lr=recipe.learning_rate, fused=True)
    return torch.optim.SGD(module.parameters(), lr=recipe.learning_rate, fused=True)
