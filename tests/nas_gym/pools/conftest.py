"""What the tests of pools share."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def compiled_kernel() -> None:
    """Compile nothing: pools know no networks."""
