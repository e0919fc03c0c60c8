import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from nas_gym.search_spaces import CellSpace
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.cell import kernel
from nas_gym.search_spaces.cell.description import (
    COMBINATIONS,
    children_of,
    describe,
    node_of,
    operation_of,
)
from nas_gym.search_spaces.cell.network import CellLayer
from nas_gym.search_spaces.cell.references import NASCELL, GruLayer, lstm_layer, nascell_layer
from nas_gym.tasks.initialisation import initialise
from nas_gym.testing import random_sentence
from tests.nas_gym.search_spaces.cells import (
    FIGURE_5,
    GRU_SENTENCE,
    NESTED_GATES,
    UNREAD_BY_H,
    Equations,
    draw_weights,
    figure_5,
    gated,
    nascell,
    nested,
    root,
    unread,
    unrolled,
)

pytestmark = pytest.mark.usefixtures("compiled_cells")

TIME, BATCH, INPUTS, UNITS = 5, 3, 4, 6


def drawn(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:
    values = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return values.to(dtype).requires_grad_()


def arguments(dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, h_0 and c_0; equal in all types but for rounding."""
    shapes = ((TIME, BATCH, INPUTS), (BATCH, UNITS), (BATCH, UNITS))
    inputs, state, cell = (drawn(*shape, seed=n, dtype=dtype) for n, shape in enumerate(shapes))
    return inputs, state, cell


def gradients(outputs: Tensor, cell: Tensor, parameters: list[Tensor]) -> tuple[Tensor, ...]:
    """Return those of a sum in which every output and every end state has its own weight."""
    weights = (drawn(*outputs.shape, seed=8), drawn(*cell.shape, seed=9))
    loss = (outputs * weights[0].detach()).sum() + (cell * weights[1].detach()).sum()
    return torch.autograd.grad(loss, parameters)


def assert_equal(layer: CellLayer, expected: Callable[..., tuple[Tensor, Tensor]], tolerance: float) -> None:
    """Compare a float32 layer with a function in float64: outputs, end state and all gradients."""
    inputs, state, cell = arguments()
    outputs, (last, end) = layer(inputs, (state, cell))
    found = gradients(outputs, end, [inputs, state, cell, *layer.parameters()])
    assert torch.equal(last, outputs[-1])
    exact = pickle.loads(pickle.dumps(layer)).double()
    precise = arguments(torch.float64)
    right, right_end = expected(exact, *(value for value in precise))
    expected_gradients = gradients(right, right_end, [*precise, *exact.parameters()])
    for ours, theirs in zip((outputs, end, *found), (right, right_end, *expected_gradients), strict=True):
        assert_close(ours.double(), theirs, rtol=tolerance, atol=tolerance)


GOLDEN = pytest.mark.parametrize(
    ("text", "equations"),
    [
        (str(NASCELL), nascell),
        (FIGURE_5, figure_5),
        ("add:tanh add:relu add:sigmoid elem_mult:tanh node-2 node-2", root),
        (GRU_SENTENCE, gated),
        (NESTED_GATES, nested),
        (UNREAD_BY_H, unread),
    ],
    ids=["NASCell", "figure 5", "root", "GRU", "gates", "c_t alone"],
)


@GOLDEN
def test_cell__equals_the_published_equations(text: str, equations: Equations) -> None:
    layer = draw_weights(CellLayer(describe(tuple(text.split())), INPUTS, UNITS))
    assert_equal(layer, lambda exact, *given: unrolled(exact, equations, *given), 1e-6)


@GOLDEN
def test_step__equals_the_published_equations(text: str, equations: Equations) -> None:
    layer = draw_weights(CellLayer(describe(tuple(text.split())), INPUTS, UNITS)).double()
    inputs, state, cell = arguments(torch.float64)
    right, right_end = unrolled(layer, equations, inputs, state, cell)
    hidden, end = state, cell
    for x in inputs:
        hidden, end = layer.cell.step(layer.cell.input_map(x), hidden, end)
    outputs, (last, layer_end) = layer(inputs, (state, cell))
    for ours, theirs in ((hidden, right[-1]), (last, right[-1]), (outputs, right), (end, layer_end)):
        assert_close(ours, theirs)
    assert_close(end, right_end)
    parameters = [inputs, state, cell, *layer.parameters()]
    assert_close(gradients(outputs, layer_end, parameters), gradients(right, right_end, parameters))


def test_space__builds_a_layer_of_the_size_that_it_says() -> None:
    space, network = CellSpace(2), CellSpace(2).parse(FIGURE_5)
    layer = space.build(network, (INPUTS,), UNITS)
    assert isinstance(layer, CellLayer)
    size = space.size(network, (INPUTS,), UNITS)
    assert size == NetworkSize(parameters=2 * UNITS * (INPUTS + UNITS), multiply_adds=size.parameters)
    assert sum(parameter.numel() for parameter in layer.parameters()) == size.parameters


def test_nascell__has_the_published_number_of_parameters() -> None:
    layers = (nascell_layer(200, 200), lstm_layer(200, 200))
    assert [sum(p.numel() for p in layer.parameters()) for layer in layers] == [640_000, 320_800]


@pytest.mark.slow  # a thousand cells, each in both ways
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("space", "cells", "tolerance"),
    [
        (CellSpace(8), 1000, 1e-5),
        (CellSpace(2), 200, 1e-5),
        (CellSpace(16), 20, 1e-5),
        (CellSpace(8, "linear", COMBINATIONS), 500, 3e-5),  # of a share near 1 the rest has fewer digits
    ],
)
def test_random_cells__compute_the_same_compiled_and_in_pytorch(
    space: CellSpace, cells: int, tolerance: float
) -> None:
    generator = np.random.default_rng(space.base)
    mask = torch.tensor(generator.integers(0, 2, size=(2, 3)) * 2.0)
    for number in range(cells):
        architecture = space.decode(random_sentence(space, generator))
        assert space.parse(str(architecture)) == architecture
        layer = draw_weights(CellLayer(describe(architecture.tokens), 2, 3), seed=number)
        found = []
        for dtype in (torch.float32, torch.float64):
            given = [drawn(*shape, seed=number, dtype=dtype) for shape in ((3, 2, 2), (2, 3), (2, 3))]
            module = layer.to(dtype)
            outputs, (_, end) = module(given[0], (given[1], given[2]), mask.to(dtype))
            loss = outputs.sum() + (end * given[2].detach()).sum()
            parameters = [*given, *module.parameters()]
            changes = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
            found.append((outputs, end, *changes))
            assert outputs.isfinite().all()
        for compiled, plain in zip(*found, strict=True):
            scale = max([1.0, *plain.abs().flatten().tolist()])
            assert_close(compiled.double(), plain, rtol=0, atol=tolerance * scale, msg=str(architecture))
    assert len(kernel.forward.signatures) == len(kernel.backward.signatures) == 1  # nothing compiled again


def said(tokens: tuple[str, ...], x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Compute h_t and c_t token by token, where all leaves have the same projections, x and h."""
    base = len(tokens) // 2 - 1
    operations = [operation_of(token) for token in tokens[: 2 * base]]
    read, enter = (node_of(token) for token in tokens[2 * base :])
    shares = {children_of(n, base)[0] for n in range(base, 2 * base - 1) if "gate" in tokens[n]}
    active = {"identity": lambda a: a, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu}
    values: list[Tensor] = []
    memory = c
    for node, operation in enumerate(operations[:-1]):
        a, b = (x, h) if node < base else (values[child] for child in children_of(node, base))
        of_both = {"add": a + b, "elem_mult": a * b, "left": a, "gate": a * b + (1 - a) * c}
        value = of_both[operation.combination]
        memory = value if node == read else memory
        value = active["sigmoid" if node in shares - {enter} else operation.activation](value)
        if node == enter:
            injected = {"add": value + c, "elem_mult": value * c, "left": value}[operations[-1].combination]
            value = active["sigmoid" if node in shares else operations[-1].activation](injected)
        values.append(value)
    return values[-1], memory


@pytest.mark.parametrize("base", [2, 4, 8])
@pytest.mark.parametrize("combinations", [COMBINATIONS, ("left", "gate"), ("elem_mult", "left")], ids=str)
def test_cells__compute_what_their_sentences_say(base: int, combinations: tuple[str, ...]) -> None:
    space, generator = CellSpace(base, combinations=combinations), np.random.default_rng(base)
    x, h, c = (drawn(1, UNITS, seed=n, dtype=torch.float64) for n in range(3))
    for _ in range(100):
        tokens = space.decode(random_sentence(space, generator)).tokens
        layer = CellLayer(describe(tokens), UNITS, UNITS).double()
        with torch.no_grad():
            for weight in (layer.cell.input_map.weight, layer.cell.state_map.weight):
                weight.copy_(torch.eye(UNITS).repeat(len(weight) // UNITS, 1))
        hidden, memory = layer.cell.step(layer.cell.input_map(x), h, c)
        right, right_memory = said(tokens, x, h, c)
        assert_close(hidden, right)
        if not torch.equal(said(tokens, x, h, c + 1)[0], right):  # else c_t is of no use
            assert_close(memory, right_memory)


@pytest.mark.parametrize(
    "sentence",
    [
        "left:tanh elem_mult:relu add:tanh left:identity gate:tanh add:relu add:tanh add:tanh node-4 node-2",
        "left:sigmoid left:tanh left:relu left:tanh gate:tanh add:tanh add:tanh left:identity node-4 node-6",
    ],
    ids=["mixed", "no h"],
)
def test_cells__read_tokens_as_what_stands_for_them(sentence: str) -> None:
    layer = draw_weights(CellLayer(describe(tuple(sentence.split())), INPUTS, UNITS, bias=True))
    table = drawn(4, INPUTS, seed=7)
    tokens = torch.tensor([[0, 3, 3], [1, 0, 3], [3, 3, 0]])
    found = []
    for given in ({"tokens": tokens, "inputs": table}, {"inputs": table[tokens]}):
        outputs, (_, end) = layer(**given)
        changed = torch.autograd.grad((outputs.square().sum() + end.sum()), [table, *layer.parameters()])
        found.append((outputs, end, *changed))
    for by_token, by_value in zip(*found, strict=True):
        assert_close(by_token, by_value)


def test_state__goes_on_where_a_sequence_was_cut() -> None:
    layer = draw_weights(nascell_layer(INPUTS, UNITS))
    inputs = drawn(TIME, BATCH, INPUTS).detach()
    whole, (_, cell) = layer(inputs)
    first, state = layer(inputs[:2])
    second, (_, end) = layer(inputs[2:], state)
    assert torch.equal(torch.cat((first, second)), whole)
    assert torch.equal(end, cell)


def test_layer__computes_the_same_without_gradients_and_twice() -> None:
    layer = draw_weights(nascell_layer(INPUTS, UNITS))
    inputs, state, cell = arguments()
    before = torch.get_rng_state()
    outputs, (_, end) = layer(inputs, (state, cell))
    with torch.no_grad():
        again, (_, again_end) = layer(inputs, (state, cell))
    assert torch.equal(outputs, again)
    assert torch.equal(end, again_end)
    assert not again.requires_grad
    outputs.sum().backward(retain_graph=True)
    weight = layer.cell.state_map.weight
    assert weight.grad is not None
    first = weight.grad.clone()
    outputs.sum().backward()  # the same graph a second time
    assert torch.equal(weight.grad, first + first)
    assert torch.equal(torch.get_rng_state(), before)


def test_layer__does_not_depend_on_what_ran_before() -> None:
    layer, other = draw_weights(nascell_layer(INPUTS, UNITS)), draw_weights(lstm_layer(INPUTS, UNITS))
    found = []
    for _ in range(2):
        inputs, state, cell = arguments()
        outputs, (_, end) = layer(inputs, (state, cell))
        found.append((outputs, end, *gradients(outputs, end, [inputs, state, cell, *layer.parameters()])))
        other(inputs * float("nan"))[0].sum().backward()  # leaves NaN in memory that is used again
    assert all(torch.equal(first, second) for first, second in zip(*found, strict=True))


@pytest.mark.parametrize("make", [nascell_layer, lstm_layer, GruLayer])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_layers__read_tokens_as_what_stands_for_them(
    make: Callable[[int, int], nn.Module], dtype: torch.dtype
) -> None:
    layer = draw_weights(make(INPUTS, UNITS)).to(dtype)
    table, tokens = drawn(4, INPUTS, dtype=dtype), torch.arange(TIME * BATCH).view(TIME, BATCH) * 7 % 3
    mask = torch.tensor([0.0, 2.0] * (UNITS // 2), dtype=dtype).expand(BATCH, UNITS)
    found = []
    for inputs, numbers in ((table, tokens), (table[tokens], None)):
        outputs, (_, cell) = layer(inputs, None, mask, numbers)
        found.append((outputs, *gradients(outputs, cell, [table, *layer.parameters()])))
    for by_token, one_by_one in zip(*found, strict=True):
        assert_close(by_token, one_by_one, rtol=1e-5, atol=1e-5 if dtype == torch.float32 else 1e-12)
    assert not found[0][1][3].any(), "token 3 is not read"


@pytest.mark.parametrize("token", [-1, 4])
def test_layer__refuses_tokens_that_stand_for_nothing(token: int) -> None:
    layer = draw_weights(nascell_layer(INPUTS, UNITS))
    with pytest.raises(IndexError, match=f"from 0 to 3, got 0 to 4|from 0 to 3, got {token} to 0"):
        layer(drawn(4, INPUTS), None, None, torch.tensor([[0, token]]))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("activation", ["identity", "tanh", "sigmoid", "relu"])
def test_kernel__lets_through_what_is_not_finite(activation: str, value: float) -> None:
    tokens = (f"add:{activation}", "add:tanh", f"add:{activation}", "add:identity", "node-2", "node-0")
    layer = draw_weights(CellLayer(describe(tokens), 1, 1))
    with torch.no_grad():
        compiled, _ = layer(torch.full((2, 1, 1), value))
        plain, _ = layer.double()(torch.full((2, 1, 1), value, dtype=torch.float64))
    assert_close(compiled.double(), plain, equal_nan=True, rtol=1e-5, atol=1e-5)


def test_activations__are_right_over_their_whole_range() -> None:
    values = torch.cat((torch.linspace(-30, 30, 20001), torch.logspace(-30, 2, 500)))[None, :, None]
    for activation, function in (("tanh", torch.tanh), ("sigmoid", torch.sigmoid), ("relu", torch.relu)):
        tokens = (f"add:{activation}", "add:identity", "add:identity", "add:identity", "node-2", "node-2")
        layer = CellLayer(describe(tokens), 1, 1)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.zero_()
            layer.cell.input_map.weight[0] = 1.0
            outputs, _ = layer(values)
        assert_close(outputs.double(), function(values.double()), rtol=1e-6, atol=2e-7)


def test_lstm__equals_pytorchs() -> None:
    layer = draw_weights(lstm_layer(INPUTS, UNITS))
    reference = nn.LSTM(INPUTS, UNITS)
    weights = (layer.cell.input_map.weight, layer.cell.state_map.weight, layer.cell.input_map.bias)
    with torch.no_grad():
        for parameter, weight in zip(reference.parameters(), (*weights, torch.zeros(4 * UNITS)), strict=True):
            parameter.copy_(weight)
    inputs, state, cell = arguments()
    outputs, (_, end) = layer(inputs, (state, cell))
    right, (_, right_end) = reference(inputs, (state[None], cell[None]))
    assert_close(outputs, right, rtol=1e-6, atol=1e-6)
    assert_close(end, right_end[0], rtol=1e-6, atol=1e-6)
    ours = gradients(outputs, end, [inputs, state, cell, *weights])
    theirs = gradients(right, right_end[0], [inputs, state, cell, *list(reference.parameters())[:3]])
    assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_gates__make_a_gru_a_sentence() -> None:
    space = CellSpace(combinations=COMBINATIONS, bias=True)
    sentence = space.parse(GRU_SENTENCE)
    layer = space.build(sentence, (INPUTS,), UNITS)
    assert isinstance(layer, CellLayer)
    size = space.size(sentence, (INPUTS,), UNITS)
    assert size.parameters == sum(parameter.numel() for parameter in layer.parameters())
    assert size.parameters == size.multiply_adds + 4 * UNITS == UNITS * (4 * INPUTS + 3 * UNITS + 4)
    gru, cell = draw_weights(GruLayer(INPUTS, UNITS)), layer.cell
    with torch.no_grad():
        gru.state_map.bias[: 2 * UNITS].zero_()  # a gate has one bias here
        reset, update, candidate = gru.input_map.weight.chunk(3)
        cell.input_map.weight.copy_(torch.cat((-update, reset, torch.zeros_like(candidate), candidate)))
        reset, update, candidate = gru.state_map.weight.chunk(3)
        cell.state_map.weight.copy_(torch.cat((-update, reset, candidate)))  # a share of what is new
        reset, update, candidate = gru.input_map.bias.chunk(3)
        _, _, beside = gru.state_map.bias.chunk(3)
        cell.input_map.bias.copy_(torch.cat((-update, reset, beside, candidate)))
    inputs, state, _ = arguments()
    outputs, (last, end) = layer(inputs, (state, state))
    expected, _ = gru(inputs, (state, state))
    assert_close(outputs, expected)
    assert torch.equal(last, end)


def test_gru__equals_pytorchs_with_and_without_a_mask() -> None:
    layer = draw_weights(GruLayer(INPUTS, UNITS))
    reference = nn.GRU(INPUTS, UNITS)
    maps = (layer.input_map, layer.state_map)
    with torch.no_grad():
        for parameter, weight in zip(
            reference.parameters(), (*(m.weight for m in maps), *(m.bias for m in maps)), strict=True
        ):
            parameter.copy_(weight)
    inputs, state, cell = arguments()
    right, last = reference(inputs, state[None])
    for mask in (None, torch.ones(BATCH, UNITS)):
        outputs, (hidden, same) = layer(inputs, (state, cell), mask)
        assert_close(outputs, right)
        assert_close(hidden, last[0])
        assert torch.equal(same, cell)
    dropped, _ = layer(inputs, (state, cell), torch.zeros(BATCH, UNITS))
    assert not torch.allclose(dropped, right, atol=1e-3)
    assert torch.equal(layer(inputs)[0], layer(inputs, layer.start(BATCH))[0])


@pytest.mark.parametrize("make", [nascell_layer, lstm_layer, GruLayer])
def test_layers__can_be_initialised_from_a_generator_and_sent_to_workers(
    make: Callable[[int, int], nn.Module],
) -> None:
    before = torch.get_rng_state()
    layer = make(INPUTS, UNITS)
    initialise(layer, torch.Generator().manual_seed(0))
    assert all(parameter.abs().max() <= 0.5 for parameter in layer.parameters())
    copy = pickle.loads(pickle.dumps(layer))
    inputs = drawn(TIME, BATCH, INPUTS)
    assert torch.equal(copy(inputs)[0], layer(inputs)[0])
    assert torch.equal(torch.get_rng_state(), before)
