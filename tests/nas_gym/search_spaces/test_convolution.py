import pickle

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nas_gym.search_spaces import ChainSpace, GraphSpace, SearchSpace
from nas_gym.tasks.module_size import module_size
from tests.nas_gym.search_spaces.convolutional_spaces import CHAINS, GRAPHS, built, spaces_and_sentences


@pytest.mark.slow  # a thousand networks are built
@pytest.mark.timeout(120)
@settings(deadline=None, database=None, max_examples=1000, suppress_health_check=[HealthCheck.too_slow])
@given(
    spaces_and_sentences(CHAINS | GRAPHS),
    st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.integers(1, 5),
)
def test_network__of_every_sentence_computes_and_has_the_size_of_its_description(
    drawn: tuple[SearchSpace, list[str]], shape: tuple[int, int, int], classes: int
) -> None:
    space, names = drawn
    module = built(space, " ".join(names), shape, classes).eval()
    assert space.size(space.parse(" ".join(names)), shape, classes) == module_size(module, shape)
    with torch.no_grad():
        logits = module(torch.rand(2, *shape, generator=torch.Generator().manual_seed(1)))
    assert logits.shape == (2, classes)
    assert logits.isfinite().all()


@pytest.mark.parametrize(
    ("space", "text"),
    [
        (ChainSpace(), "conv5x5-32-pool2-drop0.25 conv3x3-8-pool3-drop0"),
        (ChainSpace(dimensions=1), "conv5-32-pool2-drop0.25"),
        (GraphSpace(), "height-3 width-3 filters-36 height-5 width-5 filters-24 read"),
    ],
)
def test_networks__can_be_pickled(space: SearchSpace, text: str) -> None:
    module = built(space, text, (1, 8, 8)).eval()
    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pickle.loads(pickle.dumps(module))(images), module(images))


def test_even_kernel__has_its_additional_zero_after_the_image() -> None:
    space = GraphSpace(kernel_heights=(1,), kernel_widths=(2,), filters=(1,))
    zeros, convolution, *_ = (
        built(space, "height-1 width-2 filters-1", (1, 1, 3)).get_submodule("layers.0").children()
    )
    with torch.no_grad():
        convolution.weight[:] = torch.tensor([1.0, 10.0])  # type: ignore[operator]
        assert convolution(zeros(torch.tensor([[[[1.0, 2.0, 3.0]]]]))).tolist() == [[[[21.0, 32.0, 3.0]]]]
