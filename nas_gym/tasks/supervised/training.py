"""Training of one child that classifies, in PyTorch.

Here, and in ``language_training.py``, are the only losses and optimizers.
"""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from nas_gym.tasks.initialisation import initialise
from nas_gym.tasks.supervised.batches import Samples
from nas_gym.tasks.supervised.recipe import TrainingRecipe

LAST_EPOCHS = 5
# What keeps the generators of one child apart: all start from its seed.
AUGMENTATION_STREAM = 0x3C6EF372
DROPOUT_STREAM = 0x1B873593


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What training found.

    Attributes:
        validation_accuracy: Accuracy of the best epoch, ``None`` if training failed.
        epochs: Number of epochs trained.
        reason: Why training failed, ``None`` if it did not.
        last_epochs_accuracy: Largest accuracy of the last five epochs trained, ``None`` if training failed.
        losses: Mean loss of the batches of each epoch.
    """

    validation_accuracy: float | None
    epochs: int
    reason: str | None = None
    last_epochs_accuracy: float | None = None
    losses: tuple[float, ...] = ()


def train_child(
    module: nn.Module, train: Samples, validation: Samples, recipe: TrainingRecipe, seed: int
) -> TrainingResult:
    """Initialise and train a module in place; it ends with the weights of its best epoch.

    Adam: Kingma & Ba, https://arxiv.org/abs/1412.6980, with PyTorch's defaults but the learning rate.

    Args:
        module: From float32 ``(batch, *feature_shape)`` to logits ``(batch, classes)``.
        train: What to learn from; the module is moved to its device.
        validation: What decides on the best epoch and on stopping; on the same device.
        recipe: How to train.
        seed: Seed of the initial weights, the order of samples, augmentation and dropout.

    Returns:
        The accuracy of the best epoch, or the reason why there is none.
    """
    generator = torch.Generator().manual_seed(seed)
    initialise(module, generator)
    device = train.features.device
    # Convolution and, above all, pooling are faster this way, on processors too; after the draw, which
    # fills weights in the order of memory.
    module.to(device).to(memory_format=torch.channels_last)
    with _dropout_from(seed ^ DROPOUT_STREAM, device):
        return _train(module, train, validation, recipe, generator, seed)


def _train(
    module: nn.Module,
    train: Samples,
    validation: Samples,
    recipe: TrainingRecipe,
    generator: torch.Generator,
    seed: int,
) -> TrainingResult:
    device = train.features.device
    mixed = is_mixed(recipe, train)
    crops_and_flips = torch.Generator().manual_seed(seed ^ AUGMENTATION_STREAM)
    optimizer = _optimizer(module, recipe)
    scaler = torch.amp.GradScaler(device.type, enabled=mixed)
    accuracies: deque[float] = deque(maxlen=LAST_EPOCHS)
    losses: list[float] = []
    best_accuracy, best_state, waited = -1.0, module.state_dict(), 0
    epoch = 0
    for epoch in range(1, recipe.epochs + 1):
        module.train()
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate_of(epoch)
        total_loss = torch.zeros((), device=device)
        order = torch.randperm(len(train), generator=generator)
        for inputs, labels in train.epoch(recipe.batch_size, order, recipe.augmentation, crops_and_flips):
            with torch.autocast(device.type, enabled=mixed):
                loss = cross_entropy(module(inputs), labels)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            total_loss += loss.detach()
        for what, values in (("weights are", module.state_dict().values()), ("loss is", [total_loss])):
            if not all(value.isfinite().all() for value in values):
                return TrainingResult(None, epoch, f"the {what} not finite after epoch {epoch}")
        losses.append(float(total_loss) / math.ceil(len(train) / recipe.batch_size))
        accuracy = accuracy_of(module, validation, mixed)
        accuracies.append(accuracy)
        later_is_better = recipe.schedule != "constant"  # its steps were smaller
        if accuracy > best_accuracy or (later_is_better and accuracy == best_accuracy):
            best_state = {name: value.clone() for name, value in module.state_dict().items()}
        if accuracy > best_accuracy:
            best_accuracy, waited = accuracy, 0
        else:
            waited += 1
            if waited == recipe.patience:
                break
    module.load_state_dict(best_state)
    return TrainingResult(best_accuracy, epoch, None, max(accuracies), tuple(losses))


def accuracy_of(module: nn.Module, samples: Samples, mixed: bool = False) -> float:
    """Return the share of samples whose largest logit is that of their label.

    Args:
        module: On the device of the samples.
        samples: What to judge it on.
        mixed: Whether to compute in half precision where that is safe.
    """
    module.eval()
    device = samples.features.device
    correct = torch.zeros((), dtype=torch.int64, device=device)
    with torch.inference_mode(), torch.autocast(device.type, enabled=mixed):
        for inputs, labels in samples.in_order():
            correct += (module(inputs).argmax(dim=1) == labels).sum()
    return int(correct) / len(samples)


def is_mixed(recipe: TrainingRecipe, samples: Samples) -> bool:
    """Say whether a recipe means half precision for these samples, where they are."""
    on_cuda, images = samples.features.is_cuda, samples.features.dtype == torch.uint8
    return on_cuda and (recipe.precision == "mixed" or (recipe.precision == "auto" and images))


def _optimizer(module: nn.Module, recipe: TrainingRecipe) -> torch.optim.Optimizer:
    parameters, rate, decay = module.parameters(), recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adam":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    momentum = recipe.momentum
    return torch.optim.SGD(
        parameters, lr=rate, momentum=momentum, nesterov=momentum > 0, weight_decay=decay, fused=True
    )


def load_optimizers() -> None:
    """Have PyTorch import what its first optimizer needs."""
    torch.optim.SGD([torch.zeros(1)], lr=1.0)


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
