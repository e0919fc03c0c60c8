"""Training of one child on samples, in PyTorch; whatever the loss is.

Here, and in ``language_modelling/training.py``, are the only optimizers.
"""

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from nas_gym.tasks.base import Outcome
from nas_gym.tasks.initialisation import initialise
from nas_gym.tasks.metric import Metric
from nas_gym.tasks.supervised.batches import Samples
from nas_gym.tasks.supervised.recipe import SampleRecipe
from nas_gym.tasks.supervised.scores import Labels, Outputs

Loss = Callable[[Tensor, Tensor], Tensor]
"""From outputs ``(batch, outputs)`` and labels ``(batch,)`` to a mean."""
Scores = Callable[[Outputs, Labels], Mapping[str, float]]
"""From outputs ``(samples, outputs)`` and labels ``(samples,)`` to the values of all metrics."""
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
    scores_of: Scores,
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
        metric: Which of the scores decides.
        scores_of: Computes them.

    Returns:
        The scores of the best epoch, the best of the last five epochs that were judged as
        ``last_epochs_<metric>``, and the mean loss of the batches of each epoch; or the reason why there are
        no scores.
    """
    generator = torch.Generator().manual_seed(seed)
    initialise(module, generator)
    device = train.features.device
    # Convolution and, above all, pooling are faster this way, on processors too; after the draw, which
    # fills weights in the order of memory.
    module.to(device).to(memory_format=torch.channels_last)
    with _dropout_from(seed ^ DROPOUT_STREAM, device):
        return _train(module, train, validation, recipe, generator, seed, loss_of, metric, scores_of)


def _train(
    module: nn.Module,
    train: Samples,
    validation: Samples,
    recipe: SampleRecipe,
    generator: torch.Generator,
    seed: int,
    loss_of: Loss,
    metric: Metric,
    scores_of: Scores,
) -> Outcome:
    device = train.features.device
    precision = half_precision(recipe, train)
    crops_and_flips = torch.Generator().manual_seed(seed ^ AUGMENTATION_STREAM)
    optimizer = _optimizer(module, recipe)
    average = averaged(module, recipe.ema_decay) if recipe.ema_decay else None
    judged = module if average is None else average.module
    steps = math.ceil(len(train) / recipe.batch_size)
    scaler = torch.amp.GradScaler(device.type, enabled=precision is torch.float16)
    answers = validation.labels.cpu().numpy()
    last: deque[float] = deque(maxlen=LAST_EPOCHS)
    losses: list[float] = []
    best: dict[str, float] = {}
    best_state, waited = judged.state_dict(), 0
    for epoch in range(1, recipe.epochs + 1):
        module.train()
        total_loss = torch.zeros((), device=device)
        order = torch.randperm(len(train), generator=generator)
        batches = train.epoch(recipe.batch_size, order, recipe.augmentation, crops_and_flips)
        for step, (inputs, labels) in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate_of(epoch, step / steps)
            with _computing_in(precision, device):
                outputs = module(inputs)
            loss = loss_of(outputs.float(), labels)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            if average is not None:
                average.update_parameters(module)
            total_loss += loss.detach()
        for what, values in (("weights are", module.state_dict().values()), ("loss is", [total_loss])):
            if not all(value.isfinite().all() for value in values):
                reason = f"the {what} not finite after epoch {epoch}"
                return Outcome(reason=reason, losses=tuple(losses))
        losses.append(float(total_loss) / steps)
        if recipe.judged == "last" and epoch < recipe.epochs:
            continue
        scores = scores_of(outputs_of(judged, validation, precision), answers)
        score = scores[metric.name]
        last.append(score)
        later_is_better = recipe.schedule != "constant"  # its steps were smaller
        better = not best or metric.is_better(score, best[metric.name])
        if better or (later_is_better and score == best[metric.name]):
            best_state = {name: value.clone() for name, value in judged.state_dict().items()}
        if better:
            best, waited = dict(scores), 0
        else:
            waited += 1
            if waited == recipe.patience:
                break
    module.load_state_dict(best_state)
    choose = max if metric.larger_is_better else min
    return Outcome({**best, f"last_epochs_{metric.name}": choose(last)}, losses=tuple(losses))


def outputs_of(module: nn.Module, samples: Samples, precision: torch.dtype | None = None) -> Outputs:
    """Return what a network says of all samples, in their order.

    Args:
        module: On the device of the samples.
        samples: What it reads.
        precision: What to compute in where that is safe, ``None`` for float32 everywhere.
    """
    module.eval()
    with torch.inference_mode(), _computing_in(precision, samples.features.device):
        parts = [module(inputs).float() for inputs, _ in samples.in_order()]
        outputs: Outputs = torch.cat(parts).cpu().numpy()
    return outputs


def _computing_in(precision: torch.dtype | None, device: torch.device) -> torch.autocast:
    """Return the context in which a network computes in half precision where that is safe.

    Without a cache of halved weights: PyTorch empties it at the end of the outermost such context alone, and
    whoever shields children from the caller's autocast is one. Each weight is halved once a step anyway.
    """
    return torch.autocast(device.type, precision, enabled=precision is not None, cache_enabled=False)


def half_precision(recipe: SampleRecipe, samples: Samples) -> torch.dtype | None:
    """Return which half precision a recipe means for these samples, where they are; ``None`` for none."""
    if recipe.precision == "bfloat16":
        return torch.bfloat16
    on_cuda, images = samples.features.is_cuda, samples.features.dtype == torch.uint8
    mixed = on_cuda and (recipe.precision == "mixed" or (recipe.precision == "auto" and images))
    return torch.float16 if mixed else None


def _optimizer(module: nn.Module, recipe: SampleRecipe) -> torch.optim.Optimizer:
    parameters, rate, decay = module.parameters(), recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adam":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
    momentum = recipe.momentum
    return torch.optim.SGD(
        parameters, lr=rate, momentum=momentum, nesterov=momentum > 0, weight_decay=decay, fused=True
    )


def averaged(module: nn.Module, decay: float) -> AveragedModel:
    """Return what follows a module's weights and batch norms' statistics, to be updated after each step.

    After n updates a step leaves the smaller of ``decay`` and (1 + n) / (10 + n) of the average, so that
    short trainings forget where they began, as in TensorFlow's ``ExponentialMovingAverage``.
    """

    def update(average: Sequence[Tensor], current: Sequence[Tensor], updates: Tensor | int) -> None:
        share = min(decay, (1 + int(updates)) / (10 + int(updates)))
        for before, now in zip(average, current, strict=True):
            if before.is_floating_point():
                before.lerp_(now, 1.0 - share)
            else:
                before.copy_(now)

    return AveragedModel(module, multi_avg_fn=update, use_buffers=True)


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
