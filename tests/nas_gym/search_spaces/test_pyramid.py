import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn.functional import max_pool2d

from nas_gym.envs.depth_schedule import DepthLimit, DepthSchedule
from nas_gym.errors import InvalidArchitectureError, InvalidArgumentError
from nas_gym.search_spaces import PyramidSpace
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.search_spaces.diagram import Block
from nas_gym.search_spaces.pyramid.description import Layer, describe
from nas_gym.search_spaces.pyramid.network import join
from nas_gym.tasks.module_size import module_size
from nas_gym.testing import random_sentence
from tests.nas_gym.search_spaces.convolutional_spaces import built, choices

FOUR_LAYERS = (
    "add average kernel-3 filters-16 keep kernel-3 filters-16 pool kernel-1 filters-24 keep read "
    "kernel-3 filters-32 stride ignore read"
)
PYRAMIDS = st.builds(
    PyramidSpace,
    kernels=choices(1, 6),
    filters=choices(1, 9),
    min_layers=st.integers(1, 3),
    max_layers=st.integers(3, 6),
    max_reductions=st.integers(0, 4),
)


def may_follow(space: PyramidSpace, text: str) -> set[str]:
    sentence = [space.tokens.index(name) for name in text.split()]
    return set(np.array(space.tokens)[space.legal_next(sentence)].tolist())


def test_describe__reads_whole_layers_and_what_they_read() -> None:
    pyramid = describe(FOUR_LAYERS.split())
    assert (pyramid.join, pyramid.head) == ("add", "average")
    assert pyramid.layers == (
        Layer(3, 16, "keep", (0,)),
        Layer(3, 16, "pool", (1,)),
        Layer(1, 24, "keep", (1, 2)),
        Layer(3, 32, "stride", (2, 3)),
    )
    for length in range(len(FOUR_LAYERS.split())):
        assert (
            describe(FOUR_LAYERS.split()[:length]).layers
            == pyramid.layers[: sum(length >= end for end in (5, 8, 12, 17))]
        )


@pytest.mark.parametrize(
    ("text", "parameters", "multiply_adds"),
    [
        # By hand: weights 432, 2304, 384 (16 channels, added) and 6912 (24 channels), 2 for each filter, 330;
        # on 64, 64 (before its pooling), 16 and 4 pixels.
        (FOUR_LAYERS, 432 + 2304 + 384 + 6912 + 2 * 88 + 330, 64 * 2736 + 16 * 384 + 4 * 6912 + 320),
        # 32 and 40 channels are concatenated; 32 x 2 x 2 values go to the classifier.
        (
            FOUR_LAYERS.replace("add average", "concatenate flatten"),
            432 + 2304 + 768 + 11520 + 2 * 88 + 1290,
            64 * 2736 + 16 * 768 + 4 * 11520 + 1280,
        ),
    ],
)
def test_size__is_that_of_the_network(text: str, parameters: int, multiply_adds: int) -> None:
    space = PyramidSpace()
    size = NetworkSize(parameters, multiply_adds, activations=64 * (16 + 16) + 16 * 24 + 4 * 32 + 10)
    assert space.size(space.parse(text), (3, 8, 8), 10) == size
    assert module_size(built(space, text, (3, 8, 8), 10), (3, 8, 8)) == size


@pytest.mark.slow  # a thousand networks are built
@pytest.mark.timeout(120)
@settings(deadline=None, database=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(
    PYRAMIDS,
    st.integers(0, 2**32),
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 5),
)
def test_network__of_every_sentence_computes_and_has_the_size_of_its_description(
    space: PyramidSpace, seed: int, shape: tuple[int, int, int], classes: int
) -> None:
    architecture = space.decode(random_sentence(space, np.random.default_rng(seed)))
    assert space.parse(str(architecture)) == architecture
    module = built(space, str(architecture), shape, classes).eval()
    assert space.size(architecture, shape, classes) == module_size(module, shape)
    with torch.no_grad():
        logits = module(torch.rand(2, *shape, generator=torch.Generator().manual_seed(1)))
    assert logits.shape == (2, classes) and logits.isfinite().all()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", {"add", "concatenate"}),
        ("add", {"average", "flatten"}),
        ("add average", {"kernel-1", "kernel-3", "kernel-5"}),
        ("add average kernel-3", {"filters-16", "filters-24", "filters-32"}),
        ("add average kernel-3 filters-24", {"keep", "stride", "pool"}),
        ("add average kernel-3 filters-24 pool kernel-3", {"filters-24", "filters-32", "filters-48"}),
        ("add average kernel-3 filters-24 pool kernel-3 filters-24", {"keep"}),
        ("add average kernel-3 filters-24 keep kernel-3 filters-64", set()),
        (FOUR_LAYERS.rsplit(maxsplit=1)[0], {"read", "ignore"}),
        (FOUR_LAYERS, {"kernel-1", "kernel-3", "kernel-5", "EOS"}),
    ],
)
def test_legal_next__keeps_filters_from_falling_and_reductions_apart(text: str, says: set[str]) -> None:
    space = PyramidSpace()
    if not says:
        with pytest.raises(InvalidArchitectureError):
            space.parse(text)
        return
    assert may_follow(space, text) == says


def test_legal_next__allows_so_many_reductions() -> None:
    space = PyramidSpace(max_reductions=1)
    layers = "kernel-3 filters-16 stride kernel-3 filters-16 keep kernel-3 filters-16"
    assert may_follow(space, f"add average {layers}") == {"keep"}
    assert may_follow(PyramidSpace(max_reductions=2), f"add average {layers}") == {"keep", "stride", "pool"}


@pytest.mark.parametrize("reductions", [0, 1, 3])
@pytest.mark.parametrize("filters", [(4,), (3, 1), (1, 2, 3, 4)])
def test_count__is_how_many_there_are(filters: tuple[int, ...], reductions: int) -> None:
    space = PyramidSpace(
        kernels=(1, 2), filters=filters, min_layers=1, max_layers=2, max_reductions=reductions
    )
    assert space.count() == len(set(map(str, space.enumerate())))


@pytest.mark.parametrize("how", ["add", "concatenate"])
def test_join__pools_larger_maps_down_and_takes_missing_channels_for_zeros(how: str) -> None:
    generator = torch.Generator().manual_seed(0)
    large, small = torch.randn(2, 1, 7, 5, generator=generator), torch.randn(2, 3, 2, 2, generator=generator)
    pooled = max_pool2d(large, 4, ceil_mode=True)
    found = join([large, small], how)  # type: ignore[arg-type] # one of the two
    if how == "concatenate":
        assert torch.equal(found, torch.cat([pooled, small], dim=1))
    else:
        assert torch.equal(found[:, 1:], small[:, 1:]) and torch.allclose(found[:, :1], pooled + small[:, :1])


def test_diagram__has_a_block_for_each_whole_layer_and_the_head_at_the_end() -> None:
    space = PyramidSpace()
    names = FOUR_LAYERS.split()
    blocks = space.diagram(names)
    assert [block.inputs for block in blocks] == [(-1,), (0,), (0, 1), (1, 2)]
    assert blocks[1].label == "3x3\n16\npool 2"
    assert space.diagram([*names, "EOS"]) == (*blocks, Block("average", None, (3,), dense=False))
    assert space.diagram(names[:4]) == ()


def test_depth_schedule__begins_with_as_many_layers_as_there_must_be() -> None:
    DepthLimit(DepthSchedule(4), PyramidSpace())
    with pytest.raises(InvalidArgumentError) as error:
        DepthLimit(DepthSchedule(3), PyramidSpace())
    assert "initial_layers must be at least 4" in str(error.value) and "\n" not in str(error.value)
