import pickle
from typing import Any

import numpy as np
import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.pools import Fault, Machines, Virtual
from nas_gym.testing import check_pool


def one_second(_: object) -> float:
    return 1.0


def itself(item: float) -> float:
    return item


def pool(**machines: Any) -> Virtual:  # noqa: ANN401
    return Virtual(Machines(**machines), itself)


def test_virtual__keeps_the_contract() -> None:
    check_pool(Virtual(Machines(3), one_second))
    check_pool(Virtual(Machines(3, node_seconds=100, start_seconds=2), one_second))


def test_results__come_in_the_order_of_virtual_time() -> None:
    workers = pool(workers=2)
    channel = workers.open(itself)
    numbers = [channel.send(item) for item in (5.0, 1.0, 1.5, 4.0)]
    assert channel.recv(0) == [] and workers.now == 0
    assert channel.recv() == [(numbers[1], 1.0)] and workers.now == 1
    assert channel.recv() == [(numbers[2], 1.5)] and workers.now == 2.5
    assert workers.busy_seconds == 5
    assert channel.recv(9) == [(numbers[0], 5.0), (numbers[3], 4.0)] and workers.now == 6.5
    assert workers.busy_seconds == 11.5 and workers.lost_seconds == 0
    late = channel.send(2.0)
    assert channel.recv() == [(late, 2.0)] and workers.now == 8.5


def test_workers__take_their_time_to_start() -> None:
    workers = pool(workers=1, start_seconds=3)
    assert list(workers.map(itself, [1.0, 1.0])) == [(0, 1.0), (1, 1.0)]
    assert workers.now == 5 and workers.busy_seconds == 2


def test_death__costs_the_time_of_a_try_and_two_are_a_fault() -> None:
    workers = pool(workers=4, deaths=0.3)
    found = dict(workers.map(itself, [1.0] * 2000))
    faults = [fault for fault in found.values() if isinstance(fault, Fault)]
    assert len(found) == 2000 and 120 < len(faults) < 240  # 0.3 ** 2
    assert {fault.reason for fault in faults} == {"its worker died 2 times"}
    assert workers.busy_seconds - workers.lost_seconds == pytest.approx(2000 - len(faults))
    assert workers.lost_seconds == pytest.approx(0.5 * 0.39 * 2000, rel=0.1)
    (always,) = pool(workers=1, deaths=1).map(itself, [1.0])
    assert isinstance(always[1], Fault) and always[1].kind == "died" and 0 < always[1].seconds < 2


def test_node__that_vanishes_costs_no_item_and_is_replaced() -> None:
    workers = pool(workers=20, workers_per_node=4, node_seconds=50, notice_seconds=5, start_seconds=2)
    items = np.random.default_rng(0).uniform(1, 3, size=5000).tolist()
    found = dict(workers.map(itself, items))
    assert found == dict(enumerate(items))
    # Of about 57 seconds 7 are lost, and half a try.
    assert 0.8 < workers.busy_seconds / (20 * workers.now) < 0.95
    assert workers.busy_seconds - workers.lost_seconds == pytest.approx(sum(items))
    assert workers.lost_seconds > 0


def test_node__that_never_lives_long_enough_is_given_up() -> None:
    ((_, fault),) = pool(workers=1, node_seconds=1e-3, notice_seconds=1).map(itself, [1.0])
    assert isinstance(fault, Fault) and fault.reason == "its node vanished 10 times"


def test_same_seed__same_course_and_a_copy_begins_anew() -> None:
    def run(workers: Virtual) -> tuple[Any, ...]:
        return list(workers.map(itself, [1.0, 2.0, 3.0] * 50)), workers.now

    first = run(pool(workers=4, deaths=0.2, node_seconds=30))
    assert run(pool(workers=4, deaths=0.2, node_seconds=30)) == first
    assert run(pool(workers=4, deaths=0.2, node_seconds=30, seed=1)) != first
    used = pool(workers=4, deaths=0.2, node_seconds=30)
    run(used)
    assert run(pickle.loads(pickle.dumps(used))) == first


def test_what_is_given_up__leaves_its_worker_free() -> None:
    workers = pool(workers=1)
    channel = workers.open(itself)
    channel.send(1e6)
    channel.send(1e6)
    channel.close()
    assert list(workers.map(itself, [1.0])) == [(0, 1.0)] and workers.now == 1


def test_thousand_workers__are_busy() -> None:
    workers, generator = pool(workers=1000), np.random.default_rng(0)
    channel = workers.open(itself)
    for _ in range(1010):
        channel.send(10 * generator.lognormal(sigma=0.5))
    for _ in range(5000):
        for _ in channel.recv():
            channel.send(10 * generator.lognormal(sigma=0.5))
    assert workers.busy_seconds / (1000 * workers.now) > 0.999


@pytest.mark.parametrize(
    "wrong",
    [{"workers": 0}, {"deaths": 1.5}, {"node_seconds": 0}, {"start_seconds": -1}, {"workers_per_node": 0}],
)
def test_machines__refuse_what_cannot_be(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(InvalidArgumentError, match=f"^{name} must be"):
        Machines(**{"workers": 1, **wrong})
