"""The search space ``chain-v0``: convolutional networks whose layers read one another in turn."""
