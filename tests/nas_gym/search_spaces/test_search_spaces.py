import pytest

from nas_gym.search_spaces import SEARCH_SPACES
from nas_gym.testing import check_search_space


@pytest.mark.parametrize("space_id", SEARCH_SPACES)
def test_search_space__keeps_the_contract(space_id: str) -> None:
    check_search_space(SEARCH_SPACES[space_id]())


@pytest.mark.parametrize("space_id", SEARCH_SPACES)
def test_search_space__is_registered_under_its_versioned_id(space_id: str) -> None:
    assert SEARCH_SPACES[space_id].id == space_id
    name, _, version = space_id.rpartition("-v")
    assert name
    assert version.isdecimal()
