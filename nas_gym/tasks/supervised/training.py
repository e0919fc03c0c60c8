"""Training of one child on samples, in PyTorch; whatever the loss is.

Here, and in ``language_modelling/training.py``, are the only optimizers.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from nas_gym.tasks.base import Outcome
from nas_gym.tasks.initialisation import initialise
from nas_gym.tasks.metric import Metric
from nas_gym.tasks.supervised.batches import Samples
from nas_gym.tasks.supervised.recipe import SampleRecipe
from nas_gym.tasks.supervised.scores import Outputs, Score

Loss = Callable[[Tensor, Tensor], Tensor]
"""From outputs ``(batch, outputs)`` and labels ``(batch,)`` to a mean."""
LAST_EPOCHS = 5
# What keeps the generators of one child apart: all start from its seed.
AUGMENTATION_STREAM = 0x3C6EF372
DROPOUT_STREAM = 0x1B873593


def train_on_samples(
    module: nn.Module,
    train: Samples,
    validation: Samples,
    recipe: SampleRecipe,
    seed: int,
    loss_of: Loss,
    metric: Metric,
    score_of: Score,
) -> Outcome:
    """Initialise and train a module in place; it ends with the weights of its best epoch.

    Adam: Kingma & Ba, https://arxiv.org/abs/1412.6980, with PyTorch's defaults but the learning rate.

    Args:
        module: From float32 ``(batch, *feature_shape)`` to ``(batch, outputs)``.
        train: What to learn from; the module is moved to its device.
        validation: What decides on the best epoch and on stopping; on the same device.
        recipe: How to train.
        seed: Seed of the initial weights, the order of samples, augmentation and dropout.
        loss_of: What is minimised.
        metric: What the score is.
        score_of: Computes it.

    Returns:
        The score of the best epoch, the best of the last five epochs as ``last_epochs_<metric>``, and the
        mean loss of the batches of each epoch; or the reason why there is no score.
    """
    generator = torch.Generator().manual_seed(seed)
    initialise(module, generator)
    device = train.features.device
    # Convolution and, above all, pooling are faster this way, on processors too; after the draw, which
    # fills weights in the order of memory.
    module.to(device).to(memory_format=torch.channels_last)
    with _dropout_from(seed ^ DROPOUT_STREAM, device):
        return _train(module, train, validation, recipe, generator, seed, loss_of, metric, score_of)


def _train(
    module: nn.Module,
    train: Samples,
    validation: Samples,
    recipe: SampleRecipe,
    generator: torch.Generator,
    seed: int,
    loss_of: Loss,
    metric: Metric,
    score_of: Score,
) -> Outcome:
    device = train.features.device
    mixed = is_mixed(recipe, train)
    crops_and_flips = torch.Generator().manual_seed(seed ^ AUGMENTATION_STREAM)
    optimizer = _optimizer(module, recipe)
    scaler = torch.amp.GradScaler(device.type, enabled=mixed)
    answers = validation.labels.cpu().numpy()
    last: deque[float] = deque(maxlen=LAST_EPOCHS)
    losses: list[float] = []
    best: float | None = None
    best_state, waited = module.state_dict(), 0
    for epoch in range(1, recipe.epochs + 1):
        module.train()
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate_of(epoch)
        total_loss = torch.zeros((), device=device)
        order = torch.randperm(len(train), generator=generator)
        for inputs, labels in train.epoch(recipe.batch_size, order, recipe.augmentation, crops_and_flips):
            with torch.autocast(device.type, enabled=mixed):
                loss = loss_of(module(inputs), labels)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            total_loss += loss.detach()
        for what, values in (("weights are", module.state_dict().values()), ("loss is", [total_loss])):
            if not all(value.isfinite().all() for value in values):
                reason = f"the {what} not finite after epoch {epoch}"
                return Outcome(reason=reason, losses=tuple(losses))
        losses.append(float(total_loss) / math.ceil(len(train) / recipe.batch_size))
        score = score_of(outputs_of(module, validation, mixed), answers)
        last.append(score)
        later_is_better = recipe.schedule != "constant"  # its steps were smaller
        better = best is None or metric.is_better(score, best)
        if better or (later_is_better and score == best):
            best_state = {name: value.clone() for name, value in module.state_dict().items()}
        if better:
            best, waited = score, 0
        else:
            waited += 1
            if waited == recipe.patience:
                break
    module.load_state_dict(best_state)
    assert best is not None
    choose = max if metric.larger_is_better else min
    return Outcome({metric.name: best, f"last_epochs_{metric.name}": choose(last)}, losses=tuple(losses))


def outputs_of(module: nn.Module, samples: Samples, mixed: bool = False) -> Outputs:
    """Return what a network says of all samples, in their order.

    Args:
        module: On the device of the samples.
        samples: What it reads.
        mixed: Whether to compute in half precision where that is safe.
    """
    module.eval()
    with torch.inference_mode(), torch.autocast(samples.features.device.type, enabled=mixed):
        parts = [module(inputs).float() for inputs, _ in samples.in_order()]
        outputs: Outputs = torch.cat(parts).cpu().numpy()
    return outputs


def is_mixed(recipe: SampleRecipe, samples: Samples) -> bool:
    """Say whether a recipe means half precision for these samples, where they are."""
    on_cuda, images = samples.features.is_cuda, samples.features.dtype == torch.uint8
    return on_cuda and (recipe.precision == "mixed" or (recipe.precision == "auto" and images))


def _optimizer(module: nn.Module, recipe: SampleRecipe) -> torch.optim.Optimizer:
    parameters, rate, decay = module.parameters(), recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adam":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    momentum = recipe.momentum
    return torch.optim.SGD(
        parameters, lr=rate, momentum=momentum, nesterov=momentum > 0, weight_decay=decay, fused=True
    )


@contextmanager
def _dropout_from(seed: int, device: torch.device) -> Iterator[None]:
    """Lend PyTorch's global generators a state that follows from a seed, and give theirs back.

    Its dropout layers draw from the global generator alone. Whoever draws from it in another thread
    meanwhile disturbs the child and is disturbed.
    """
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.set_rng_state(torch.Generator().manual_seed(seed).get_state())
        for each in devices:
            torch.cuda.set_rng_state(torch.Generator(each).manual_seed(seed).get_state(), each)
        yield
