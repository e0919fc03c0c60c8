"""Random chains and graphs for hypothesis, and the network of the paper's figure 7."""

import torch
from hypothesis import strategies as st

from nas_gym.search_spaces import ChainSpace, GraphSpace, SearchSpace
from nas_gym.search_spaces.base import Module

FIGURE_7_LAYERS: list[tuple[int, int, int, set[int]]] = [
    (3, 3, 36, set()),
    (3, 3, 48, {1}),
    (3, 3, 36, {1, 2}),
    (5, 5, 36, {1, 2, 3}),
    (3, 7, 48, {3, 4}),
    (7, 7, 48, {2, 3, 4, 5}),
    (7, 7, 48, {2, 3, 4, 5, 6}),
    (7, 3, 36, {1, 6, 7}),
    (7, 1, 36, {1, 5, 6, 8}),
    (7, 7, 36, {1, 3, 4, 5, 6, 7, 8, 9}),
    (5, 7, 36, {1, 2, 5, 6, 7, 8, 9, 10}),
    (7, 7, 48, {1, 2, 3, 4, 6, 11}),
    (7, 5, 48, {1, 3, 6, 7, 8, 9, 10, 11, 12}),
    (7, 5, 48, {3, 7, 12, 13}),
    (7, 5, 48, {6, 7, 11, 12, 13, 14}),
]
"""Height, width, filters and what is read of each layer, numbered from 1."""


def links(earlier: int, read: set[int]) -> list[str]:
    """Return the tokens that say which of so many earlier layers are read."""
    return ["read" if number in read else "ignore" for number in range(1, earlier + 1)]


FIGURE_7 = " ".join(
    " ".join([f"height-{height} width-{width} filters-{filters}", *links(earlier, read)])
    for earlier, (height, width, filters, read) in enumerate(FIGURE_7_LAYERS)
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
    if isinstance(space, GraphSpace):
        return space, draw(_graph_sentences(space))
    layers = [name for name in space.tokens if name != space.end_token]
    return space, draw(st.lists(st.sampled_from(layers), min_size=1, max_size=space.max_length))


@st.composite
def _graph_sentences(draw: st.DrawFn, space: GraphSpace) -> list[str]:
    def values(name: str) -> list[str]:
        return [token for token in space.tokens if token.startswith(f"{name}-")]

    names: list[str] = []
    for earlier in range(draw(st.integers(1, space.max_layers))):
        names.append(draw(st.sampled_from(values("height") + values("pool"))))
        if names[-1].startswith("height"):
            for name in ("width", "stride_height", "stride_width", "filters"):
                names += [draw(st.sampled_from(tokens)) for tokens in [values(name)] if tokens]
        read = draw(st.sets(st.integers(1, earlier), max_size=earlier)) if earlier else set()
        names += links(earlier, read)
    return names


def built(space: SearchSpace, text: str, shape: tuple[int, ...], classes: int = 3) -> Module:
    """Build a network and give it weights."""
    module = space.build(space.parse(text), shape, classes)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.1, 0.1, generator=generator)
    return module
