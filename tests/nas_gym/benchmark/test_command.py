import pytest

from nas_gym.benchmark.command import keywords_by_env
from nas_gym.errors import InvalidArgumentError


def test_keywords_by_env__are_for_all_environments_or_for_one() -> None:
    assert keywords_by_env(["A", "B"], {"size": 100, "nas_gym:A:noise": 0.3}) == {
        "A": {"size": 100, "noise": 0.3},
        "B": {"size": 100},
    }
    with pytest.raises(InvalidArgumentError, match="meant for 'C'; compared are A, B"):
        keywords_by_env(["A", "B"], {"C:noise": 0.3})
