from typing import cast

import pytest
import torch

from agents.reinforce.policy import CELLS, Cell, RecurrentPolicy


def make(cell: str, seed: int = 0) -> RecurrentPolicy:
    return RecurrentPolicy(5, 8, cast("Cell", cell), torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("cell", CELLS)
def test_policy__illegal_actions_have_probability_zero_and_the_rest_sums_to_one(cell: str) -> None:
    generator = torch.Generator().manual_seed(1)
    previous = torch.randint(0, 6, (40, 3), generator=generator)
    masks = torch.rand(40, 3, 5, generator=generator) < 0.5
    masks[:, :, 0] |= ~masks.any(dim=2)
    log_probabilities, _ = make(cell)(previous, masks)
    probabilities = log_probabilities.exp()
    assert (probabilities[~masks] == 0).all()
    assert (probabilities[masks] > 0).all()
    assert torch.allclose(probabilities.sum(dim=2), torch.ones(40, 3))


@pytest.mark.parametrize("cell", CELLS)
def test_policy__step_by_step_equals_whole_sentences(cell: str) -> None:
    policy = make(cell)
    previous = torch.tensor([[0, 3, 5], [0, 1, 2]])
    masks = torch.ones(2, 3, 5, dtype=torch.bool)
    whole, _ = policy(previous, masks)
    state, steps = None, []
    for step in range(3):
        log_probabilities, state = policy(previous[:, step : step + 1], masks[:, step : step + 1], state)
        steps.append(log_probabilities)
    assert torch.allclose(whole, torch.cat(steps, dim=1), atol=1e-6)
    assert not torch.allclose(whole[0, 1:], whole[1, 1:])  # it sees which tokens came before
    other, _ = policy(torch.tensor([[0, 4, 5]]), masks[:1])
    assert not torch.allclose(whole[0, 2], other[0, 2])  # also those before the last


@pytest.mark.parametrize("cell", CELLS)
def test_policy__initial_parameters_are_uniform_and_follow_from_the_generator(cell: str) -> None:
    first, same, other = (
        torch.nn.utils.parameters_to_vector(make(cell, seed).parameters()) for seed in (0, 0, 1)
    )
    assert first.abs().max() <= 0.08
    assert first.min() < -0.07 and first.max() > 0.07 and first.mean().abs() < 0.01
    assert torch.equal(first, same) and not torch.equal(first, other)


@pytest.mark.parametrize("cell", CELLS)
def test_policy__building_it_leaves_the_global_generator_alone(cell: str) -> None:
    before = torch.get_rng_state()
    make(cell)
    assert torch.equal(torch.get_rng_state(), before)
