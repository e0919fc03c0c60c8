import numpy as np
import pytest

from nas_gym.errors import InvalidArchitectureError
from nas_gym.search_spaces import Architecture, ChainSpace, MlpSpace, NasBench201Space, RankedSpace
from nas_gym.testing import check_ranked_space

SMALL: list[RankedSpace] = [
    MlpSpace(max_length=3),
    MlpSpace(widths=(2, 7), activations=("ReLU",), max_length=4),
    MlpSpace(widths=(), activations=("Tanh",), max_length=5),
    MlpSpace(max_length=1),
    NasBench201Space(("none", "nor_conv_3x3", "skip_connect")),
    NasBench201Space(("none",)),
    ChainSpace(kernels=(3,), filters=(8, 16), pools=(1,), max_layers=3),
]


@pytest.mark.parametrize("space", SMALL, ids=lambda space: str(space.count()))
def test_ranks__are_the_positions_in_the_enumeration(space: RankedSpace) -> None:
    check_ranked_space(space)


def test_ranks__of_the_whole_moons_space_go_there_and_back_in_order() -> None:
    space = MlpSpace()
    ranks = np.sort(np.random.default_rng(0).integers(space.count(), size=500)).tolist()
    architectures = [space.unrank(rank) for rank in [0, *ranks, 597_869]]
    assert [space.rank(architecture) for architecture in architectures] == [0, *ranks, 597_869]
    sentences = [space.encode(architecture) for architecture in architectures]
    assert sentences == sorted(sentences)
    assert str(architectures[0]) == "Linear-1 Linear-1 Linear-1 Linear-1 Linear-1 Linear-1"
    assert str(architectures[-1]) == "LeakyReLU"


@pytest.mark.parametrize(
    ("space", "tokens"),
    [
        (MlpSpace(), ()),
        (MlpSpace(), ("ReLU",) * 7),
        (MlpSpace(), ("ReLU", "EOS")),
        (MlpSpace(), ("Linear-3",)),
        (NasBench201Space(), ("none",) * 5),
        (NasBench201Space(("none",)), ("skip_connect",) * 6),
    ],
)
def test_rank__refuses_what_is_not_of_the_space(space: RankedSpace, tokens: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArchitectureError):
        space.rank(Architecture(space.id, tokens))


def test_rank__refuses_another_space() -> None:
    with pytest.raises(InvalidArchitectureError, match="'nas-bench-201-v0' is needed"):
        NasBench201Space().rank(Architecture("mlp-v0", ("none",) * 6))


def test_contract__sees_ranks_in_another_order() -> None:
    class Shuffled(NasBench201Space):
        def rank(self, architecture: Architecture) -> int:
            return super().rank(architecture) ^ 1

    with pytest.raises(AssertionError, match="must have the rank 0"):
        check_ranked_space(Shuffled(("none", "skip_connect")))
