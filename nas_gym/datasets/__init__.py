"""WHAT MUST BE LEARNED? Data sets with frozen splits; no networks, no training, no agents."""
