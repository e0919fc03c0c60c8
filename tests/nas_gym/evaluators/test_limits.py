from typing import Any

import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.evaluators.limits import Limit, LimitedEvaluator, SizeLimit, SpaceLimit
from nas_gym.memory.store import EvaluationStore
from nas_gym.problems.registration import problem
from nas_gym.search_spaces import Architecture, MlpSpace
from nas_gym.search_spaces.base import NetworkSize
from nas_gym.tasks.seeds import child_seed
from nas_gym.testing import check_evaluator
from tests.nas_gym.doubles import InstantEvaluator, quick, random_children, random_networks

SMALL, LARGE = (MlpSpace().parse(text) for text in ("Linear-8 Tanh", "Linear-8 Linear-16"))


def size(architecture: Architecture) -> NetworkSize:
    return MlpSpace().size(architecture, (2,), 2)


def limited(*limits: Limit) -> tuple[LimitedEvaluator, InstantEvaluator]:
    inner = InstantEvaluator()
    return LimitedEvaluator(inner, limits, "data", "recipe", seed=3), inner


def of_size(max_parameters: Any) -> SizeLimit:  # noqa: ANN401
    return SizeLimit(size, {"parameters": max_parameters})


def test_evaluator__keeps_the_contract_where_nothing_is_refused() -> None:
    check_evaluator(limited(of_size(10_000))[0], random_networks(5))


def test_large_network__fails_and_is_not_asked_for() -> None:
    assert size(SMALL).parameters == 42
    evaluator, inner = limited(of_size(42))
    first, refused, last = evaluator.evaluate([SMALL, LARGE, SMALL])
    assert inner.calls == [(SMALL, SMALL)]
    assert first == last == InstantEvaluator().evaluate([SMALL])[0]
    assert (refused.architecture, refused.status, refused.score) == (LARGE, "failed", None)
    assert refused.reason == "it has 202 parameters, at most 42 are allowed"
    assert (refused.parameters, refused.multiply_adds) == (202, 176)
    assert (refused.task, refused.recipe, refused.seconds) == ("data", "recipe", 0.0)
    assert refused.seed == child_seed(3, LARGE)


def test_seeds__stay_with_their_networks() -> None:
    evaluator, inner = limited(of_size(42))
    assert [e.seed for e in evaluator.evaluate([LARGE, SMALL, LARGE], [7, 8, 9])] == [7, 8, 9]
    assert inner.seeds == [8]
    evaluator.evaluate([LARGE])
    assert len(inner.calls) == 1


@pytest.mark.parametrize("value", [0, -1, 2.5, "many", True])
def test_max_parameters__must_be_a_positive_integer(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidArgumentError) as error:
        of_size(value)
    assert str(error.value) == f"max_parameters must be an integer from 1, got {value!r}"
    for name in ("max_parameters", "max_activations"):
        with pytest.raises(InvalidArgumentError) as error:
            problem("NAS-Moons-v0", **{name: value})
        assert str(error.value) == f"{name} must be None or an integer from 1, got {value!r}"


def test_size__that_is_not_known_is_refused() -> None:
    evaluator, _ = limited(SizeLimit(lambda architecture: None, {"parameters": 1}))
    with pytest.raises(InvalidArgumentError, match="parameters are known, mlp-v0 does not tell them"):
        evaluator.evaluate([SMALL])


def test_activations__are_limited_beside_parameters() -> None:
    most = {"parameters": 202, "activations": 25}
    assert (size(SMALL).activations, size(LARGE).activations) == (10, 26)
    evaluator, _ = limited(SizeLimit(size, most))
    kept, refused = evaluator.evaluate([SMALL, LARGE])
    assert (kept.status, refused.status) == ("ok", "failed")
    assert refused.reason == "it has 26 activations, at most 25 are allowed"


def test_activations__of_cells_are_not_known() -> None:
    env = quick("NAS-Brackets-v0", max_activations=10)
    with pytest.raises(InvalidArgumentError, match="max_activations needs networks whose activations are"):
        env.make_evaluator().evaluate(random_children(env.search_space, 1))


def test_refused_network__fails_and_is_not_asked_for() -> None:
    evaluator, inner = limited(SpaceLimit({LARGE: "it is not wanted"}.get))
    check_evaluator(evaluator, [each for each in random_networks(5) if each != LARGE])
    inner.calls.clear()
    refused, first = evaluator.evaluate([LARGE, SMALL], rung=1)
    assert inner.calls == [(SMALL,)] and first.status == "ok"
    assert (refused.status, refused.reason, refused.scores) == ("failed", "it is not wanted", {})
    assert (refused.parameters, refused.seed, refused.rung) == (None, child_seed(3, LARGE), 1)


def test_env__pays_the_failure_reward_and_stores_nothing(tmp_path: Any) -> None:  # noqa: ANN401
    store = tmp_path / "store.sqlite"
    limits = {"max_parameters": 42, "failure_reward": -0.5, "store": store}
    env = problem("NAS-Moons-v0", recipe={"epochs": 1}, **limits).make_env()
    tokens = MlpSpace().tokens
    for text, status in (("Linear-8 Tanh EOS", "ok"), ("Linear-8 Linear-16 EOS", "failed")):
        env.reset()
        for name in text.split():
            _, reward, _, _, info = env.step(tokens.index(name))
        assert info["evaluation"]["status"] == status
        assert (reward == -0.5) == (status == "failed")
    assert "at most 42" in info["evaluation"]["reason"]
    assert [row["architecture"] for row in EvaluationStore(store).rows()] == ["Linear-8 Tanh"]
