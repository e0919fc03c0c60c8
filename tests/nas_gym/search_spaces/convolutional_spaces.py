"""Random chains and graphs for hypothesis, and the network of the paper's figure 7."""

import torch
from hypothesis import strategies as st

from nas_gym.search_spaces import ChainSpace, GraphSpace, SearchSpace
from nas_gym.search_spaces.base import Module

FIGURE_7 = " ".join(
    [
        "conv3x3-36",
        "conv3x3-48 from-1",
        "conv3x3-36 from-1 from-2",
        "conv5x5-36 from-1 from-2 from-3",
        "conv3x7-48 from-3 from-4",
        "conv7x7-48 from-2 from-3 from-4 from-5",
        "conv7x7-48 from-2 from-3 from-4 from-5 from-6",
        "conv7x3-36 from-1 from-6 from-7",
        "conv7x1-36 from-1 from-5 from-6 from-8",
        "conv7x7-36 from-1 from-3 from-4 from-5 from-6 from-7 from-8 from-9",
        "conv5x7-36 from-1 from-2 from-5 from-6 from-7 from-8 from-9 from-10",
        "conv7x7-48 from-1 from-2 from-3 from-4 from-6 from-11",
        "conv7x5-48 from-1 from-3 from-6 from-7 from-8 from-9 from-10 from-11 from-12",
        "conv7x5-48 from-3 from-7 from-12 from-13",
        "conv7x5-48 from-6 from-7 from-11 from-12 from-13 from-14",
    ]
)


def choices(smallest: int, largest: int, min_size: int = 1) -> st.SearchStrategy[list[int]]:
    """Draw a few distinct values."""
    return st.lists(st.integers(smallest, largest), min_size=min_size, max_size=3, unique=True)


CHAINS = st.builds(
    ChainSpace,
    kernels=choices(1, 8),
    filters=choices(1, 5),
    pools=choices(1, 9),
    dropouts=st.lists(st.sampled_from([0, 0.1, 0.25, 0.5, 0.9999]), min_size=1, unique=True),
    max_layers=st.integers(1, 4),
    dimensions=st.sampled_from([1, 2]),
)
GRAPHS = st.builds(
    GraphSpace,
    kernel_heights=choices(1, 6),
    kernel_widths=choices(1, 6),
    filters=choices(1, 5),
    strides=choices(1, 4),
    pools=choices(2, 9, min_size=0),
    max_layers=st.integers(1, 7),
)


@st.composite
def spaces_and_sentences(
    draw: st.DrawFn, spaces: st.SearchStrategy[SearchSpace]
) -> tuple[SearchSpace, list[str]]:
    """Draw a space and the token names of one of its networks, written without asking for what is legal."""
    space = draw(spaces)
    layers = [name for name, adds in zip(space.tokens, space.layer_tokens, strict=True) if adds]
    names: list[str] = []
    depths = space.max_layers if isinstance(space, GraphSpace) else space.max_length
    for depth in range(draw(st.integers(1, depths))):
        names.append(draw(st.sampled_from(layers)))
        if isinstance(space, GraphSpace) and depth:
            links = draw(st.sets(st.integers(1, depth), max_size=depth))
            names += [f"from-{number}" for number in sorted(links)]
    return space, names


def built(space: SearchSpace, text: str, shape: tuple[int, ...], classes: int = 3) -> Module:
    """Build a network and give it weights."""
    module = space.build(space.parse(text), shape, classes)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.1, 0.1, generator=generator)
    return module
