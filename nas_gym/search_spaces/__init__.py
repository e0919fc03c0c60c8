"""WHAT MAY BE BUILT? Languages whose sentences are networks; no data, no training, no agents.

Each space has a folder with the same file names: ``grammar.py`` (the space), ``description.py`` (what its
tokens mean), ``network.py`` (PyTorch), ``references.py`` (networks to hold found ones against). PyTorch is
imported when a network is built, and not before.
"""

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.cell.grammar import CellSpace
from nas_gym.search_spaces.chain.grammar import ChainSpace
from nas_gym.search_spaces.graph.grammar import GraphSpace
from nas_gym.search_spaces.mlp.grammar import MlpSpace
from nas_gym.search_spaces.nas_bench_201.grammar import NasBench201Space
from nas_gym.search_spaces.pyramid.grammar import PyramidSpace
from nas_gym.search_spaces.ranked import RankedSpace

SEARCH_SPACES: dict[str, type[SearchSpace]] = {
    space.id: space for space in (MlpSpace, ChainSpace, GraphSpace, PyramidSpace, CellSpace, NasBench201Space)
}

__all__ = [
    "SEARCH_SPACES",
    "Architecture",
    "CellSpace",
    "ChainSpace",
    "GraphSpace",
    "MlpSpace",
    "NasBench201Space",
    "PyramidSpace",
    "RankedSpace",
    "SearchSpace",
]
