"""WHAT STAYS OF A SEARCH? Run folders, interruption and resumption, summaries and pictures."""

from agents.runs.folder import RunFolder, read_run
from agents.runs.search import search

__all__ = ["RunFolder", "read_run", "search"]
