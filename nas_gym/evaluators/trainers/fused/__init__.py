"""Multi-layer perceptrons trained whole in one compiled function."""
