"""The search space ``graph-v0``: convolutional networks with skip connections between any layers."""
