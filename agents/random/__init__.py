"""The agent that everything else must beat: uniform over the legal actions."""

from agents.random.agent import RandomAgent

__all__ = ["RandomAgent"]
