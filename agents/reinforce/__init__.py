"""REINFORCE with a recurrent policy, the controller of Zoph & Le 2016."""

from agents.reinforce.agent import Reinforce

__all__ = ["Reinforce"]
