"""The search space ``mlp-v0``: linear layers and activations, freely mixed."""
