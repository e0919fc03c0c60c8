"""WHAT MAY BE BUILT? Languages whose sentences are networks; no data, no training, no agents."""

from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.mlp.grammar import MlpSpace

SEARCH_SPACES: dict[str, type[SearchSpace]] = {space.id: space for space in (MlpSpace,)}

__all__ = ["SEARCH_SPACES", "Architecture", "MlpSpace", "SearchSpace"]
