from nas_gym.evaluators.remembered.cached import CachedEvaluator
from tests.nas_gym.doubles import InstantEvaluator, random_networks

A, B, C = random_networks(3)


def test_cached__asks_for_each_network_once() -> None:
    inner = InstantEvaluator()
    cached = CachedEvaluator(inner)
    first = cached.evaluate([A, B, A, A])
    assert inner.calls == [(A, B)]
    assert [e.architecture for e in first] == [A, B, A, A]
    assert first[0] is first[2]
    second = cached.evaluate([B, C, A])
    assert inner.calls == [(A, B), (C,)]
    assert second == InstantEvaluator().evaluate([B, C, A])
    cached.evaluate([C, B])
    assert len(inner.calls) == 2


def test_cached__asks_again_for_a_failed_network() -> None:
    inner = InstantEvaluator(failing=1)
    cached = CachedEvaluator(inner)
    assert [e.status for e in cached.evaluate([A, A])] == ["failed", "failed"]
    inner.failing = 0
    assert [e.status for e in cached.evaluate([A])] == ["ok"]
    cached.evaluate([A])
    assert inner.calls == [(A,), (A,)]


def test_cached__passes_given_seeds_through_and_learns_nothing_from_them() -> None:
    inner = InstantEvaluator()
    cached = CachedEvaluator(inner)
    assert [e.seed for e in cached.evaluate([A, A], [1, 2])] == [1, 2]
    assert [e.seed for e in cached.evaluate([A], [1])] == [1]
    assert cached.evaluate([A]) == InstantEvaluator().evaluate([A])
    assert inner.calls == [(A, A), (A,), (A,)]
