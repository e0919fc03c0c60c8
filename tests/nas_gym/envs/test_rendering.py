import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.wrappers import HumanRendering

from nas_gym.envs import rendering
from nas_gym.envs.nas_env import NasEnv
from nas_gym.envs.nas_vector_env import NasVectorEnv
from nas_gym.envs.rendering import as_picture
from nas_gym.envs.spelling import as_text
from nas_gym.errors import InvalidArgumentError
from nas_gym.search_spaces import SEARCH_SPACES, CellSpace, GraphSpace, MlpSpace
from nas_gym.testing import random_sentence
from tests.nas_gym.doubles import InstantEvaluator
from tests.nas_gym.search_spaces.convolutional_spaces import FIGURE_7

LAYERS = "Linear-1 Linear-2 Linear-4 Linear-8 Linear-16 Sigmoid Tanh ReLU LeakyReLU"


def make(render_mode: str | None) -> NasEnv:
    return NasEnv(MlpSpace(), InstantEvaluator(), render_mode=render_mode)


@contextmanager
def without(package: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, package, None)
        yield


def test_ansi__shows_the_sentence_and_what_may_follow() -> None:
    env = make("ansi")
    env.reset()
    assert env.render() == f"_ _ _ _ _ _\nnext: {LAYERS}\n"
    env.step(3)
    env.step(6)
    assert env.render() == f"Linear-8 Tanh _ _ _ _\nnext: {LAYERS} EOS\n"
    reward = env.step(9)[1]
    assert env.render() == f"Linear-8 Tanh EOS\nreward: {reward:#.4g}\n"
    env.reset()
    env.step(9)
    text = env.render()
    assert isinstance(text, str)
    assert "reward: -1.000" in text


def test_rgb_array__is_a_picture_that_varies_with_the_sentence() -> None:
    env = make("rgb_array")
    env.reset()
    pictures = [env.render()]
    for token in (3, 6, 9):
        env.step(token)
        pictures.append(env.render())
    for picture in pictures:
        assert isinstance(picture, np.ndarray)
        assert picture.dtype == np.uint8
        assert picture.shape == pictures[0].shape  # type: ignore[union-attr]
        assert picture.shape[2] == 3
        assert picture.std() > 0
    assert len({picture.tobytes() for picture in pictures}) == 4  # type: ignore[union-attr]
    pictures[-1][:] = 0  # type: ignore[index]
    assert env.render().any()  # type: ignore[union-attr]


@pytest.mark.parametrize("space_id", SEARCH_SPACES)
def test_pictures__can_be_drawn_of_every_search_space(space_id: str) -> None:
    space = SEARCH_SPACES[space_id]()
    sentence = random_sentence(space, np.random.default_rng(0))
    assert as_picture(space, sentence, 0.5).shape == as_picture(space, sentence[:-1], None).shape
    for length, token in enumerate(sentence):
        assert space.tokens[token] in as_text(space, sentence[: length + 1], None)


def test_pictures__of_a_graph_show_its_links_in_a_width_by_its_layers() -> None:
    space = GraphSpace()
    sentence = space.encode(space.parse(FIGURE_7))
    read, ignore = (space.tokens.index(name) for name in ("read", "ignore"))
    pictures = [as_picture(space, sentence, 0.9), as_picture(space, sentence[:-2], None)]
    unlinked = [ignore if token == read else token for token in sentence]
    pictures.append(as_picture(space, unlinked, 0.9))
    pictures += [as_picture(space, sentence[:length], None) for length in range(1, 8)]
    assert {picture.shape for picture in pictures} == {pictures[0].shape}
    assert 1000 < pictures[0].shape[1] < 1600
    assert len({picture.tobytes() for picture in pictures}) == 10
    assert as_text(space, sentence[:7], None) == (
        "height-3 width-3 filters-36 height-3 width-3 filters-48 read _ ... (143 more at most)\n"
        "next: height-1 height-3 height-5 height-7 EOS\n"
    )


def test_pictures__of_a_cell_say_what_it_reads_and_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    monkeypatch.setattr(rendering, "_draw_box", lambda axes, place, label: drawn.append(label))
    space = CellSpace(2)
    as_picture(space, [0, 1, 2, 3, 8, 9], 0.5)
    assert (drawn[0], drawn[-2:]) == ("x(t)\nh(t-1)", ["h(t)", "next\ntoken"])
    assert "classes" not in drawn


def test_render__without_a_mode_returns_nothing() -> None:
    env = make(None)
    env.reset()
    assert env.render() is None
    assert NasVectorEnv(env, 2).render() is None


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_vector_render__shows_every_lane(mode: str) -> None:
    lanes: Any = gym.make_vec("NAS-Moons-v0", num_envs=2, evaluator=InstantEvaluator(), render_mode=mode)
    lanes.reset()
    lanes.step(np.array([3, 4]))
    pictures = lanes.render()
    for lane, token in enumerate((3, 4)):
        env = make(mode)
        env.reset()
        env.step(token)
        assert np.array_equal(pictures[lane], env.render())  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
@pytest.mark.parametrize("vectorization", [None, "sync"])
def test_lists__of_what_was_rendered_are_made_by_gymnasium(mode: str, vectorization: str | None) -> None:
    keywords: Any = {"evaluator": InstantEvaluator(), "render_mode": f"{mode}_list"}
    env: Any = gym.make("NAS-Moons-v0", **keywords)
    if vectorization is not None:
        lanes: Any = gym.make_vec("NAS-Moons-v0", 1, vectorization_mode=vectorization, **keywords)
        env = lanes.envs[0]
    plain: Any = make(mode)
    env.reset()
    plain.reset()
    expected = [plain.render()]
    for token in (3, 6, 9):
        env.step(token)
        plain.step(token)
        expected.append(plain.render())
    assert env.render_mode == f"{mode}_list"
    found = env.render()
    assert len(found) == 4
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    assert env.render() == []


def test_human__is_a_window_of_gymnasium() -> None:
    with pytest.warns(UserWarning, match="HumanRendering wrapper is being applied"):
        env = gym.make("NAS-Moons-v0", evaluator=InstantEvaluator(), render_mode="human")
    assert env.render_mode == "human"
    assert env.unwrapped.render_mode == "rgb_array"
    with pytest.raises(gym.error.DependencyNotInstalled, match="pygame"), without("pygame"):
        env.reset()


def test_human__shows_a_picture_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(HumanRendering, "_render_frame", lambda self: shown.append(self.env.render()))
    with pytest.warns(UserWarning, match="HumanRendering"):
        env: Any = gym.make("NAS-Moons-v0", evaluator=InstantEvaluator(), render_mode="human")
    env.reset()
    for token in (3, 6, 9):
        env.step(token)
    assert [picture.shape for picture in shown] == [shown[0].shape] * 4


@pytest.mark.parametrize("mode", ["human", "ansi_list", "rgb_array_list", "film"])
def test_vector_render__says_which_modes_it_has(mode: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        gym.make_vec("NAS-Moons-v0", num_envs=2, evaluator=InstantEvaluator(), render_mode=mode)
    assert str(error.value) == f"render_mode must be None or one of ansi, rgb_array, got {mode!r}"


def test_modes__that_nobody_knows_are_refused() -> None:
    with (
        pytest.warns(UserWarning, match="not in the possible render_modes"),
        pytest.raises(InvalidArgumentError, match="render_mode must be None or one of ansi, rgb_array"),
    ):
        gym.make("NAS-Moons-v0", evaluator=InstantEvaluator(), render_mode="film")
