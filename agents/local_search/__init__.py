"""Local search: walk to a better neighbour until there is none, then start again elsewhere."""

from agents.local_search.agent import LocalSearch

__all__ = ["LocalSearch"]
