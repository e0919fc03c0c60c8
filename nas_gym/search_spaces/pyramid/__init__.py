"""The search space ``pyramid-v0``: convolutional networks whose maps shrink while their filters grow."""
