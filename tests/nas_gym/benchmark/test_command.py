import pytest

from agents.errors import AgentError
from nas_gym.benchmark.arguments import BenchmarkArguments
from nas_gym.benchmark.command import keywords_by_env, spec_of
from nas_gym.errors import InvalidArgumentError


def test_spec_of__has_the_lanes_asked_for_and_refuses_an_order_that_an_agent_has_not() -> None:
    assert spec_of("random", BenchmarkArguments(order="arrival", lanes=7)).num_envs == 7
    assert spec_of("ppo", BenchmarkArguments()).num_envs == 16
    for agent in ("ppo", "reinforce_surrogate"):
        with pytest.raises(AgentError, match=f"{agent} with these arguments learns from whole batches alone"):
            spec_of(agent, BenchmarkArguments(order="arrival"))
    with pytest.raises(InvalidArgumentError, match="lanes must be"):
        spec_of("random", BenchmarkArguments(lanes=0))


def test_keywords_by_env__are_for_all_environments_or_for_one() -> None:
    assert keywords_by_env(["A", "B"], {"size": 100, "nas_gym:A:noise": 0.3}) == {
        "A": {"size": 100, "noise": 0.3},
        "B": {"size": 100},
    }
    with pytest.raises(InvalidArgumentError, match="meant for 'C'; compared are A, B"):
        keywords_by_env(["A", "B"], {"C:noise": 0.3})
