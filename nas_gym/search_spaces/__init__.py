"""WHAT MAY BE BUILT? Languages whose sentences are networks; no data, no training, no agents."""

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.cell.grammar import CellSpace
from nas_gym.search_spaces.conv.grammar import ConvSpace
from nas_gym.search_spaces.mlp.grammar import MlpSpace
from nas_gym.search_spaces.nas_bench_201.grammar import NasBench201Space
from nas_gym.search_spaces.ranked import RankedSpace

SEARCH_SPACES: dict[str, type[SearchSpace]] = {
    space.id: space for space in (MlpSpace, ConvSpace, CellSpace, NasBench201Space)
}

__all__ = [
    "SEARCH_SPACES",
    "Architecture",
    "CellSpace",
    "ConvSpace",
    "MlpSpace",
    "NasBench201Space",
    "RankedSpace",
    "SearchSpace",
]
