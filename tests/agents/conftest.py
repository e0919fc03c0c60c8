"""What is slow once in a process."""

import pytest
import torch
import torch.utils.tensorboard  # imported where it is needed, which takes a second


@pytest.fixture(scope="session", autouse=True)
def first_optimizer() -> None:
    """Make an optimizer before the first test: PyTorch then imports its compiler, for two seconds."""
    torch.optim.Adam([torch.zeros(1)])
