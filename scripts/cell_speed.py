"""Training steps of recurrent cells beside the plain way to write them; used by ``benchmark_speed.py``."""

import time
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from statistics import median
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from nas_gym.search_spaces.cell.network import CellLayer
from nas_gym.search_spaces.cell.references import lstm_layer, nascell_layer
from nas_gym.tasks.initialisation import initialise
from nas_gym.tasks.language_modelling.language_model import LanguageModel
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe

TIME, BATCH = 35, 32
VOCABULARY = 50
"""As many as the characters of the Penn Treebank; with its words, logits would take most of a step."""
RECIPE = LanguageRecipe()


class PlainNasCell(nn.Module):
    """NASCell in the plain way: a loop over time steps, and for each leaf one linear map for x and for h."""

    def __init__(self, layer: CellLayer) -> None:
        """Copy the weights of a layer that ``nascell_layer`` built."""
        super().__init__()
        maps = (layer.cell.input_map, layer.cell.state_map)
        self.of_input, self.of_state = (nn.ModuleList(maps_of_leaves(layer, of.weight)) for of in maps)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Return h of all time steps, shaped as the inputs, ``(time, batch, units)``, and the last c."""
        state = cell = torch.zeros_like(inputs[0])
        outputs = []
        for x in inputs:
            a = [linear(x) for linear in self.of_input]
            b = [linear(state) for linear in self.of_state]
            left = torch.tanh(torch.sigmoid(a[0] + b[0]) * torch.relu(a[1] + b[1]))
            second = torch.tanh(torch.sigmoid(a[2] + b[2]) + torch.relu(a[3] * b[3]))
            third = torch.tanh(torch.tanh(a[4] + b[4]) * torch.sigmoid(a[5] + b[5]))
            fourth = torch.sigmoid(torch.tanh(a[6] + b[6]) + torch.sigmoid(a[7] + b[7]))
            cell = torch.tanh(left + cell) * second
            state = torch.tanh(cell * torch.tanh(third + fourth))
            outputs.append(state)
        return torch.stack(outputs), cell


def maps_of_leaves(layer: CellLayer, weight: Tensor) -> list[nn.Linear]:
    """Return the linear map of each leaf, with its rows of a weight."""
    maps = []
    for rows in weight.detach().split(layer.units):
        maps.append(nn.Linear(weight.shape[1], layer.units, bias=False))
        maps[-1].weight = nn.Parameter(rows.clone())
    order = layer.cell.description.leaf_order
    return [maps[order.index(leaf)] for leaf in range(len(maps))]


def torch_lstm(layer: CellLayer) -> nn.LSTM:
    """Return PyTorch's LSTM with the weights of a layer that ``lstm_layer`` built."""
    lstm, of_input, of_state = nn.LSTM(layer.units, layer.units), layer.cell.input_map, layer.cell.state_map
    weights = (of_input.weight, of_state.weight, of_input.bias, torch.zeros_like(of_input.bias))
    with torch.no_grad():
        for parameter, weight in zip(lstm.parameters(), weights, strict=True):
            parameter.copy_(weight)
    lstm.bias_hh_l0.requires_grad_(False)  # PyTorch adds two biases, ours one
    return lstm


class PlainLanguageModel(nn.Module):
    """A ``LanguageModel`` of one layer, with the same weights, around a layer that is not from our parts."""

    def __init__(self, model: LanguageModel, layer: nn.Module) -> None:
        super().__init__()
        self.embedding, self.output = deepcopy(model.embedding), deepcopy(model.output)
        self.layer = layer

    def forward(self, tokens: Tensor) -> tuple[Tensor, None]:
        """Return the logits of the tokens that follow."""
        outputs, _ = self.layer(self.embedding(tokens))
        return self.output(outputs), None


def measure_cells(units: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the seconds of a training step on one thread: of language models, and of their layers alone.

    A step of a language model is that of ``train_language_model``, from tokens to new weights. The layers
    alone go forward and backward on inputs that need a gradient, as those of a second layer do.

    They take turns, and the median of their rounds counts, so that all have the same machine.

    Raises:
        AssertionError: If two models that must be the same do not learn the same.
    """
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    text = torch.randint(VOCABULARY, (TIME + 1, BATCH), generator=generator)
    inputs = torch.randn(TIME, BATCH, units, generator=generator).requires_grad_()
    steps: dict[str, Callable[[], float]] = {}
    layers: dict[str, Callable[[], float]] = {}
    for ours, make, theirs, same in (
        ("nascell", nascell_layer, "plain", PlainNasCell),
        ("lstm", lstm_layer, "torch_lstm", torch_lstm),
    ):
        model = LanguageModel(make, VOCABULARY, units)
        initialise(model, generator)
        layer = cast(CellLayer, model.layers[0])
        other = same(layer)
        steps[ours] = partial(train, model, adam(model), text)
        plain = PlainLanguageModel(model, other)
        steps[theirs] = partial(train, plain, adam(plain), text)
        layers |= {ours: partial(back, layer, inputs), theirs: partial(back, other, inputs)}
        for _ in range(3):  # the second loss is the same if the gradients are
            losses = steps[ours](), steps[theirs]()
            assert abs(losses[0] / losses[1] - 1) < 1e-4, f"losses of {ours} and {theirs}: {losses}"
    return {"model": median_of_rounds(steps, rounds), "layer": median_of_rounds(layers, rounds)}


def adam(model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of the default recipe."""
    return torch.optim.Adam(model.parameters(), lr=RECIPE.learning_rate, fused=True)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, text: Tensor) -> float:
    """Take the step of ``train_language_model`` on one window, ``(time + 1, batch)``, and return its loss."""
    logits, _ = model(text[:-1])
    loss = cross_entropy(logits.flatten(0, 1), text[1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), cast(float, RECIPE.clip))
    optimizer.step()
    return float(loss.detach())


def back(layer: nn.Module, inputs: Tensor) -> float:
    """Send a gradient through a layer, and return the sum of its outputs."""
    layer.zero_grad()
    total = layer(inputs)[0].sum()
    total.backward()
    return float(total.detach())


def median_of_rounds(works: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Let works take turns, and return the median seconds of each."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    return {name: median(seconds) for name, seconds in times.items()}
