from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from agents import make_agent
from nas_gym.envs.depth_schedule import DepthSchedule
from nas_gym.envs.nas_env import GameRules, NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces import GraphSpace, MlpSpace, NasBench201Space, SearchSpace
from tests.nas_gym.doubles import InstantEvaluator
from tests.nas_gym.envs.test_nas_vector_env import assert_same

EOS = MlpSpace().tokens.index("EOS")
GRAPH = GraphSpace(kernel_heights=(3,), kernel_widths=(3,), filters=(24, 36), max_layers=6)


def single(search_space: SearchSpace | None = None, **keywords: Any) -> NasEnv:  # noqa: ANN401
    schedule = {"initial_layers": 1, "layers_per_growth": 2, "architectures_per_growth": 3}
    render_mode = keywords.pop("render_mode", None)
    rules = GameRules(**(schedule | keywords))
    space = search_space or MlpSpace()
    return NasEnv(space, InstantEvaluator(failing=3), rules=rules, render_mode=render_mode)


def longest(env: NasEnv) -> int:
    """Write a sentence with as many layers as are legal and return how many they were."""
    mask = env.reset()[1]["action_mask"]
    layers = 0
    while mask[:EOS].any():
        layers += 1
        mask = env.step(0)[4]["action_mask"]
    if mask.any():
        assert np.flatnonzero(mask).tolist() == [EOS]
        env.step(EOS)
    return layers


def test_schedule__is_that_of_the_paper_by_default() -> None:
    schedule = DepthSchedule(6)
    assert [schedule.layers(n) for n in (0, 1599, 1600, 3199, 12_799)] == [6, 6, 8, 8, 20]


def test_env__grows_after_so_many_evaluated_architectures_up_to_the_full_depth() -> None:
    env = single()
    assert env.observation_space == NasEnv(MlpSpace(), InstantEvaluator()).observation_space
    assert [longest(env) for _ in range(12)] == [1, 1, 1, 3, 3, 3, 5, 5, 5, 6, 6, 6]


def test_env__ends_a_sentence_that_is_deeper_than_allowed() -> None:
    env = single()
    env.reset()
    env.step(3)
    assert np.flatnonzero(env.action_masks()).tolist() == [EOS]
    _, reward, terminated, _, info = env.step(6)
    assert (reward, terminated, info["illegal_token"]) == (-1.0, True, "Tanh")
    assert env.evaluator.calls == []  # type: ignore[attr-defined]
    assert [longest(env) for _ in range(4)] == [1, 1, 1, 3], "an illegal sentence does not count"


def test_env__counts_layers_and_neither_their_properties_nor_links() -> None:
    env = single(GRAPH, initial_layers=3)
    env.reset()
    tokens = GRAPH.tokens

    def write(text: str) -> list[str]:
        for name in text.split():
            env.step(tokens.index(name))
        return [tokens[t] for t in np.flatnonzero(env.action_masks())]

    layer = "height-3 width-3 filters-24"
    assert write(f"{layer} {layer} read") == ["height-3", "EOS"]
    assert write("height-3") == ["width-3"], "a layer that was begun is written to its end"
    assert write("width-3 filters-36 read") == ["read", "ignore"]
    assert write("read") == ["EOS"]


def test_env__goes_on_with_its_schedule_when_it_is_seeded() -> None:
    env = single()
    assert [longest(env) for _ in range(4)] == [1, 1, 1, 3]
    env.reset(seed=0)
    assert env.layer_limit == 3


@pytest.mark.parametrize("agent", ["reinforce", "random_search", "regularized_evolution"])
def test_agents__reach_the_depths_that_open_up(agent: str) -> None:
    keywords: dict[str, Any] = {"initial_layers": 2, "layers_per_growth": 1, "architectures_per_growth": 20}
    env = RecordEvaluations(NasVectorEnv(single(**keywords), 5))
    make_agent(agent, env, seed=0).learn(100)
    depths = [len(each.architecture.split()) for each in env.episodes if each.architecture]
    assert len(depths) >= 100
    assert max(depths[:20]) == 2
    assert max(depths) > 3
    if agent == "reinforce":
        assert len({each.architecture for each in env.episodes}) == len(depths), "none comes twice"


def test_ansi__shows_what_is_legal_now() -> None:
    env = single(render_mode="ansi")
    env.reset()
    env.step(3)
    assert env.render() == "Linear-8 _ _ _ _ _\nnext: EOS\n"
    lanes = NasVectorEnv(single(render_mode="ansi"), 2)
    lanes.reset()
    lanes.step(np.array([3, 3]))
    assert lanes.render() == (env.render(),) * 2


@pytest.mark.parametrize("space", [MlpSpace(), GRAPH], ids=["mlp", "graph"])
@pytest.mark.parametrize(("lanes", "every"), [(1, 3), (5, 10**6)])
def test_vector_env__is_so_many_single_ones_where_they_count_the_same(
    space: SearchSpace, lanes: int, every: int
) -> None:
    keywords = {"initial_layers": 2, "layers_per_growth": 1, "architectures_per_growth": every}
    ours = NasVectorEnv(single(space, **keywords), lanes)
    theirs = SyncVectorEnv(
        [lambda: single(space, **keywords)] * lanes, autoreset_mode=AutoresetMode.SAME_STEP
    )
    generator = np.random.default_rng(lanes)
    assert_same(ours.reset(seed=1), theirs.reset(seed=1))
    for step in range(150):
        masks = ours.action_masks().astype(float) + 0.02  # an illegal token now and then
        actions = np.array([generator.choice(len(mask), p=mask / mask.sum()) for mask in masks])
        assert_same(ours.step(actions), theirs.step(actions), f"step {step}")
        assert np.array_equal(ours.action_masks(), np.stack(theirs.call("action_masks")))


def test_vector_env__counts_over_all_lanes_and_keeps_the_limit_of_a_sentence_begun() -> None:
    lanes = NasVectorEnv(single(), 4)
    lanes.reset(seed=0)
    lanes.step(np.array([0, 0, 0, 0]))
    lanes.step(np.array([EOS, EOS, 3, EOS]))  # lane 2 is too deep, three are evaluated
    assert lanes.layer_limits is not None
    assert lanes.layer_limits.tolist() == [3, 3, 3, 3]
    lanes.step(np.array([0, 0, 0, 0]))
    lanes.step(np.array([EOS, EOS, 0, EOS]))
    assert lanes.layer_limits.tolist() == [5, 5, 3, 5]
    lanes.step(np.array([0, 0, 0, 0]))
    assert lanes.action_masks()[:, :EOS].any(axis=1).tolist() == [True, True, False, True]
    lanes.step(np.array([0, 0, EOS, 0]))
    assert lanes.layer_limits.tolist() == [5, 5, 5, 5]


def test_vector_env__goes_on_with_its_schedule_when_lanes_are_seeded() -> None:
    lanes = NasVectorEnv(single(), 2)
    lanes.reset()

    def limits_after(**keywords: Any) -> list[int]:  # noqa: ANN401
        for _ in range(2):
            lanes.step(np.zeros(2, dtype=np.int64))
            lanes.step(np.full(2, EOS))
        lanes.reset(**keywords)
        assert lanes.layer_limits is not None
        return lanes.layer_limits.tolist()

    assert limits_after() == [3, 3]
    assert limits_after(seed=[1, None]) == [5, 5]
    assert limits_after(seed=3, options={"reset_mask": np.array([True, False])}) == [9, 9]
    assert limits_after(seed=3) == [11, 11]


def test_schedule__is_made_from_plain_values() -> None:
    keywords: dict[str, Any] = {"initial_layers": 2, "architectures_per_growth": 1}
    keywords["evaluator"] = InstantEvaluator()
    env = gym.make("NAS-Moons-v0", **keywords)
    lanes = gym.make_vec("NAS-Moons-v0", num_envs=2, **keywords)
    assert isinstance(env.unwrapped, NasEnv) and isinstance(lanes.unwrapped, NasVectorEnv)
    assert [longest(env.unwrapped) for _ in range(3)] == [2, 4, 6]
    assert lanes.unwrapped.layer_limits is not None
    assert lanes.unwrapped.layer_limits.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("keywords", "says"),
    [
        ({"initial_layers": 0}, "initial_layers must be an integer from 1, got 0"),
        ({"initial_layers": 1.5}, "initial_layers must be an integer from 1, got 1.5"),
        ({"initial_layers": True}, "initial_layers must be an integer from 1, got True"),
        ({"layers_per_growth": 0}, "layers_per_growth must be an integer from 1, got 0"),
        (
            {"initial_layers": None, "architectures_per_growth": -1},
            "architectures_per_growth must be an integer from 1, got -1",
        ),
        (
            {"search_space": NasBench201Space()},
            "initial_layers needs a search space whose sentences may end early, "
            "those of nas-bench-201-v0 have no end token",
        ),
    ],
)
def test_arguments__out_of_range_are_refused(keywords: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        single(**keywords)
    assert str(error.value) == says
