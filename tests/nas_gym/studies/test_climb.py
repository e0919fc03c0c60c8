from collections.abc import Sequence

import pytest

from nas_gym.evaluators.remembered.cached import CachedEvaluator
from nas_gym.search_spaces import Architecture, CellSpace, MlpSpace
from nas_gym.studies.climb import Climbed, climb, far_apart
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.doubles import InstantEvaluator, random_networks


class Ladder(InstantEvaluator):
    """Knows a score for each network and rung; remembers what it was asked for."""

    def __init__(self, broken: Sequence[Architecture] = ()) -> None:
        super().__init__()
        self.asked: list[tuple[int, Architecture]] = []
        self.broken = broken

    def evaluate(
        self, architectures: Sequence[Architecture], seeds: Sequence[int] | None = None, rung: int = 0
    ) -> list[Evaluation]:
        """Evaluate with other seeds at another rung, so with other results."""
        self.asked += [(rung, each) for each in architectures]
        found = super().evaluate(architectures, [hash((str(each), rung)) % 2**32 for each in architectures])
        return [
            Evaluation(each.architecture, "t", "r", 0, "failed") if each.architecture in self.broken else each
            for each in found
        ]


def reward(evaluation: Evaluation) -> float:
    assert evaluation.score is not None
    return evaluation.score


def ignore(rung: int, done: Sequence[Climbed], total: int) -> None:
    """Tell nobody."""


def test_climb__lets_the_best_third_go_on() -> None:
    networks, ladder, told = random_networks(18), Ladder(), []
    climbed = climb(
        networks, range(1, 4), ladder, reward, lambda rung, done, total: told.append((rung, len(done), total))
    )
    assert [each.rung for each in climbed] == [1] * 18 + [2] * 6 + [3] * 2
    for rung, before in ((2, climbed[:18]), (3, climbed[18:24])):
        best = {each.architecture for each in before[: len(before) // 3]}
        assert {each.architecture for each in climbed if each.rung == rung} == best
        assert min(each.reward for each in before if each.architecture in best) >= max(
            each.reward for each in before if each.architecture not in best
        )
    assert told[:6] == [(1, done, 18) for done in (0, 4, 8, 12, 16, 18)]
    assert told[-1] == (3, 2, 2)


def test_climb__trains_nothing_again_that_is_known() -> None:
    networks, ladder = random_networks(6), Ladder()
    evaluator = CachedEvaluator(ladder)
    first = climb(networks, range(1, 3), evaluator, reward, ignore)
    assert len(ladder.asked) == len(set(ladder.asked)) == 8
    assert climb(networks, range(1, 3), evaluator, reward, ignore) == first
    assert len(ladder.asked) == 8


def test_climb__puts_what_fails_last_and_ends_with_one() -> None:
    networks = random_networks(4)
    climbed = climb(networks, range(1, 4), Ladder(networks[:1]), reward, ignore)
    assert [each.rung for each in climbed] == [1] * 4 + [2, 3]
    assert climbed[3] == Climbed(1, str(networks[0]), 0.0, None, 0.0)
    below = climb(networks, range(1, 2), Ladder(networks[:1]), lambda each: reward(each) - 9, ignore)
    assert [each.architecture for each in below] == [each.architecture for each in climbed[:4]]
    assert climb([], range(1, 3), Ladder(), reward, ignore) == []


@pytest.mark.parametrize(
    ("count", "chosen"),
    [
        (3, ["Linear-8 ReLU", "Linear-4 Tanh", "Linear-8 ReLU Linear-4 Tanh"]),
        (4, ["Linear-8 ReLU", "Linear-4 Tanh", "Linear-8 ReLU Linear-4 Tanh", "Linear-4 ReLU"]),
        (1, ["Linear-8 ReLU"]),
    ],
)
def test_far_apart__takes_one_of_neighbours_as_long_as_there_are_others(
    count: int, chosen: list[str]
) -> None:
    texts = ["Linear-8 ReLU", "Linear-4 ReLU", "Linear-4 Tanh", "Linear-8", "Linear-8 ReLU Linear-4 Tanh"]
    assert list(map(str, far_apart([MlpSpace().parse(text) for text in texts], count))) == chosen


def test_far_apart__takes_one_of_those_that_mean_the_same() -> None:
    space = CellSpace(2)
    texts = [
        "add:tanh elem_mult:relu add:sigmoid add:relu node-1 node-0",
        "elem_mult:relu add:tanh add:sigmoid add:relu node-0 node-1",  # its leaves are swapped
        "elem_mult:relu add:tanh add:sigmoid add:tanh node-0 node-1",  # and one token is another
        "add:relu add:tanh add:tanh add:relu node-2 node-1",
    ]
    cells = [space.parse(text) for text in texts]
    assert far_apart(cells, 2, space.canonical) == [cells[0], cells[3]]
    assert far_apart(cells, 2) == cells[:2]
