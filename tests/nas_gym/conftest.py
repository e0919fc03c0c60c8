"""What the tests of nas_gym share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_gym.datasets.texts import penn_treebank
from tests.nas_gym.images import write_cifar10, write_mnist
from tests.nas_gym.texts import write_ptb


@pytest.fixture(scope="module")
def small_data(tmp_path_factory: pytest.TempPathFactory, compiled_cells: None) -> Iterator[Path]:
    """Let ``$NAS_GYM_DATA`` name a folder with small data sets, all that are files, for one test file."""
    from torchvision.datasets import CIFAR10  # slow to import, and few files need it

    folder = tmp_path_factory.mktemp("data")
    write_mnist(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAS_GYM_DATA", str(folder))
        patch.setattr(penn_treebank, "FILES", write_ptb(folder))
        for name, checksums in write_cifar10(folder).items():
            patch.setattr(CIFAR10, name, checksums)  # torchvision opens no other files than those it knows
        yield folder


@pytest.fixture(scope="module")
def small_ptb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Let ``$NAS_GYM_DATA`` name a folder with a small Penn Treebank for one test file."""
    folder = tmp_path_factory.mktemp("texts")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(penn_treebank, "FILES", write_ptb(folder))
        patch.setenv("NAS_GYM_DATA", str(folder))
        yield folder


@pytest.fixture(scope="session")
def compiled_cells() -> None:
    """Compile what computes recurrent cells, so that no test's time holds it."""
    from nas_gym.search_spaces.cell.sequence import compile_cells

    compile_cells()
