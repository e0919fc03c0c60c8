"""Training of one child in PyTorch: the only file with a loss and an optimizer."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nas_gym.datasets.base import Split
from nas_gym.evaluation.recipe import TrainingRecipe


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What training found.

    Attributes:
        validation_accuracy: Accuracy of the best epoch, ``None`` if training failed.
        epochs: Number of epochs trained.
        reason: Why training failed, ``None`` if it did not.
    """

    validation_accuracy: float | None
    epochs: int
    reason: str | None = None


def train_child(
    module: nn.Module,
    train: Split,
    validation: Split,
    recipe: TrainingRecipe,
    seed: int,
    device: str = "cpu",
) -> TrainingResult:
    """Initialise and train a module in place; it ends with the weights of its best epoch.

    Adam: Kingma & Ba, https://arxiv.org/abs/1412.6980, with PyTorch's defaults but the learning rate.

    Args:
        module: From float32 ``(batch, *feature_shape)`` to logits ``(batch, classes)``.
        train: What to learn from.
        validation: What decides on the best epoch and on stopping.
        recipe: Epochs, batch size, learning rate, patience.
        seed: Seed of the initial weights and of the order of samples.
        device: PyTorch's name of the device to train on.

    Returns:
        The accuracy of the best epoch, or the reason why there is none.
    """
    generator = torch.Generator().manual_seed(seed)
    initialise(module, generator)
    module.to(device)
    features, labels = to_tensors(train, device)
    held_out = to_tensors(validation, device)
    optimizer = torch.optim.Adam(module.parameters(), lr=recipe.learning_rate, fused=True)
    best_accuracy, best_state, waited = -1.0, module.state_dict(), 0
    epoch = 0
    for epoch in range(1, recipe.epochs + 1):
        module.train()
        order = torch.randperm(len(labels), generator=generator).to(device)
        for batch in order.split(recipe.batch_size):
            loss = cross_entropy(module(features[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if not all(parameter.isfinite().all() for parameter in module.parameters()):
            return TrainingResult(None, epoch, f"the weights are not finite after epoch {epoch}")
        accuracy = accuracy_of(module, *held_out)
        if accuracy > best_accuracy:
            best_accuracy, waited = accuracy, 0
            best_state = {name: value.clone() for name, value in module.state_dict().items()}
        else:
            waited += 1
            if waited == recipe.patience:
                break
    module.load_state_dict(best_state)
    return TrainingResult(best_accuracy, epoch)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw weights and biases as PyTorch's own layers do, but from an explicit generator.

    Both are uniform within plus and minus 1 / sqrt(inputs of a unit).
    """
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.Linear):
                bound = 1.0 / math.sqrt(layer.in_features)
                layer.weight.uniform_(-bound, bound, generator=generator)
                layer.bias.uniform_(-bound, bound, generator=generator)


def accuracy_of(module: nn.Module, features: Tensor, labels: Tensor) -> float:
    """Return the share of samples whose largest logit is that of their label."""
    module.eval()
    with torch.no_grad():
        return float((module(features).argmax(dim=1) == labels).double().mean())


def to_tensors(split: Split, device: str) -> tuple[Tensor, Tensor]:
    """Put a split on a device: float32 features and int64 labels."""
    return torch.from_numpy(split.features).to(device), torch.from_numpy(split.labels).to(device)
