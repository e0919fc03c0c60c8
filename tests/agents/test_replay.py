import numpy as np
import pytest
import torch

from agents.episodes import collect, joined
from agents.replay import ANY, Replay, Sentence, changed, episodes_of, follow, pack, sentences_of, unpack
from tests.agents.doubles import LEGAL, make_vec

END = 9  # EOS, the last of the ten tokens of mlp-v0
EVERY = np.ones(10, dtype=np.bool_)
FIRST = np.arange(10) < LEGAL


def sentence(*actions: int, value: float = 0.5) -> Sentence:
    masks = np.stack([FIRST, *[EVERY] * (len(actions) - 1)])
    return Sentence(actions, masks, value)


def play(*wishes: tuple[int, ...]) -> list[tuple[int, ...]]:
    env = make_vec(max(1, len(wishes)))
    replay = Replay(wishes, env.num_envs, np.random.default_rng(0))
    return [played.actions for played in sentences_of(collect(env, replay, env.num_envs, seed=0))]


def test_alternatives__are_the_legal_actions_not_chosen() -> None:
    assert sentence(3, END).alternatives() == [
        *[(0, action) for action in range(LEGAL) if action != 3],
        *[(1, action) for action in range(9)],
    ]


def test_replay__of_a_sentence_is_the_sentence() -> None:
    wishes = [(1, 2, 3, END), (0, 1, 2, 3, 4, 5), (8, END)]
    assert play(*wishes) == wishes


def test_replay__of_a_changed_sentence_differs_in_one_token() -> None:
    parent = (1, 2, 3, END)
    assert play(changed(parent, 1, 7)) == [(1, 7, 3, END)]
    assert play(changed(parent, 2, END)) == [(1, 2, END)]  # what stood behind the new end is gone
    assert play(changed(parent, 3, 4)) == [(1, 2, 3, 4, END)]  # the end comes one step later


def test_replay__repairs_what_the_masks_forbid() -> None:
    for played in play(*[(END, 2, END)] * 30):
        assert played[0] < LEGAL and played[1:] == (2, END)


def test_replay__fills_in_what_nobody_wished_for() -> None:
    played = play((4, ANY, 5), *[()] * 20)
    assert played[0][0] == 4 and (played[0][1] == END or played[0][2] == 5)
    assert len({actions[0] for actions in played[1:]}) > 3


def test_sentences_of__and_episodes_of_are_inverse() -> None:
    env = make_vec(5)
    episodes = collect(env, Replay([], 5, np.random.default_rng(1)), 5, seed=0)
    again = episodes_of(sentences_of(episodes))
    for name in ("actions", "masks", "lengths", "returns"):
        assert np.array_equal(getattr(again, name), getattr(episodes, name))


def test_joined__pads_to_the_longest() -> None:
    short, long = episodes_of([sentence(3, END, value=0.2)]), episodes_of([sentence(*range(6), value=0.7)])
    both = joined([short, long])
    assert both.actions.tolist() == [[3, END, 0, 0, 0, 0], [0, 1, 2, 3, 4, 5]]
    assert both.masks[0, 2:].all() and both.returns.tolist() == [0.2, 0.7] and both.lengths.tolist() == [2, 6]


def test_pack__survives_a_checkpoint(tmp_path: object) -> None:
    sentences = [sentence(3, END, value=0.25), sentence(*range(6), value=1 / 3)]
    torch.save(pack(sentences, 10), f"{tmp_path}/packed")
    back = unpack(torch.load(f"{tmp_path}/packed", weights_only=True))
    for before, after in zip(sentences, back, strict=True):
        assert (before.actions, before.value) == (after.actions, after.value)
        assert np.array_equal(before.masks, after.masks)
    assert unpack(pack([], 10)) == []


@pytest.mark.parametrize("written", [(), (3,), (7,), (7, 2)])
def test_follow__writes_the_sentence_where_it_may(written: tuple[int, ...]) -> None:
    observations = np.zeros((1, 6), dtype=np.int64)
    observations[0, : len(written)] = np.array(written, dtype=np.int64) + 1
    generator = np.random.default_rng(0)
    target = sentence(3, 4, END)
    assert follow(target, observations, EVERY[None], generator) == (3, 4, END)[len(written)]
    forbidden = np.ones((1, 10), dtype=np.bool_)
    forbidden[0, [3, 4, END]] = False
    assert int(follow(target, observations, forbidden, generator)[0]) not in (3, 4, END)
