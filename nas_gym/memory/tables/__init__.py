"""What every architecture of a search space is worth, known beforehand."""
