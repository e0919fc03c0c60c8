"""The search space ``conv-v0``: convolutional networks, as chains or as graphs with skip connections."""
