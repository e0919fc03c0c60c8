"""Which sentences that nobody has played look best?"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from agents.reinforce.drawn import DrawnSentences
from agents.reinforce.expected_masks import ExpectedMasks
from agents.reinforce.policy import RecurrentPolicy, State, draw
from agents.reinforce.surrogate import Surrogate
from agents.replay import ANY, Sentence
from agents.session import alone

Actions = tuple[int, ...]
DRAWS = 200
"""Sentences imagined by the policy alone."""
CENTRES = 8
"""Best sentences whose neighbours are looked at."""
NEIGHBOURS = 200
"""Neighbours that are looked at; of more a random choice."""
FEWEST_PLAYED = 20
"""Sentences with which a surrogate begins: fewer correlate by chance."""
CHANCE = 1.5
"""Standard errors of a rank correlation that are put down to chance."""
TRUSTED = 0.1
"""Correlation beyond chance with which a surrogate is trusted fully."""
PATIENCE = 10.0
"""Batches without a better sentence after which the bonus for not knowing has doubled."""


class Proposals:
    """Chooses what to play by a surrogate: the best of many sentences that the policy imagines.

    In each round the policy imagines sentences, among them the one-token neighbours of the best so far. A
    ``Surrogate`` predicts what the new ones earn, and those with the greatest mean + ``exploration`` *
    standard deviation are proposed. How many is a matter of trust: none while its leave-one-out rank
    correlation is what chance gives, all but ``policy_share`` of the batch from ``TRUSTED`` above that. The
    longer no better sentence was found, the more weighs what the surrogate does not know.

    It remembers nothing that does not follow from the played sentences, so a checkpoint needs no more.

    Source: Angermueller et al. 2020 (DyNA-PPO, ICLR), https://openreview.net/forum?id=HklxbgBKvr. Different:
    the surrogate does not reward the policy, it only chooses what is played.

    Args:
        drawn: All played sentences; it grows while this watches.
        policy: What imagines.
        generator: Where random numbers come from.
        exploration: Weight of the standard deviation.
        policy_share: Share of a batch that the policy draws alone, however good the surrogate is.

    Attributes:
        scalars: What to log of the latest round, by TensorBoard tag.
    """

    def __init__(
        self,
        drawn: DrawnSentences,
        policy: RecurrentPolicy,
        generator: torch.Generator,
        exploration: float,
        policy_share: float,
    ) -> None:
        self._drawn = drawn
        self._policy = policy
        self._generator = generator
        self._exploration = exploration
        self._policy_share = policy_share
        self._expected = ExpectedMasks(policy.num_actions)
        self._num_seen = 0
        self.scalars: dict[str, float] = {}

    @alone()
    def propose(self, count: int) -> list[Actions]:
        """Return distinct sentences worth playing, at most ``count``, the most promising first.

        None was played. Not all need be legal, since masks off the known paths are guesses.
        """
        played = self._drawn.sentences
        self._expected.add(played[self._num_seen :])
        self._num_seen = len(played)
        if len(played) < FEWEST_PLAYED:
            return []
        values = np.array([sentence.value for sentence in played])
        surrogate = Surrogate([sentence.actions for sentence in played], values.tolist())
        wanted = round(count * (1.0 - self._policy_share) * trust(surrogate.correlation, len(played)))
        self.scalars = {"surrogate/correlation": surrogate.correlation, "surrogate/proposed": float(wanted)}
        if wanted == 0:
            return []
        known = {sentence.actions for sentence in played}
        wishes = [*[()] * DRAWS, *self._neighbours(played)]
        candidates = [actions for actions in dict.fromkeys(self._imagine(wishes)) if actions not in known]
        if not candidates:
            return []
        mean, deviation = surrogate.predict(candidates)
        exploration = self._exploration * impatience(values, count)
        order = np.argsort(-(mean + exploration * deviation), kind="stable")
        return [candidates[i] for i in order[:wanted].tolist()]

    def _neighbours(self, played: Sequence[Sentence]) -> list[Actions]:
        """Return wishes for neighbours of the best sentences, at most ``NEIGHBOURS``."""
        centres = sorted(played, key=lambda sentence: -sentence.value)[:CENTRES]
        found = [edits(centre) for centre in centres]
        rows = np.concatenate(found)
        owners = np.repeat(np.arange(len(centres)), [len(of_centre) for of_centre in found])
        # There may be hundreds of thousands, so they are written out only once they are chosen.
        chosen = torch.randperm(len(rows), generator=self._generator)[:NEIGHBOURS].tolist()
        return [edited(centres[owners[i]].actions, *rows[i].tolist()) for i in chosen]

    def _imagine(self, wishes: Sequence[Actions]) -> list[Actions]:
        """Write sentences without playing them: as wished where that may be legal, else as the policy draws.

        Args:
            wishes: Actions from the first step on, for each sentence.
        """
        count = len(wishes)
        prefixes: list[Actions] = [()] * count
        masks = np.ones((count, self._policy.num_actions), dtype=np.bool_)
        previous = torch.zeros((count, 1), dtype=torch.int64)
        state: State = None
        writing = list(range(count))
        known_paths = set(writing)
        # A guess may go round in a circle: no sentence becomes longer than one that was played.
        for step in range(max(len(sentence.actions) for sentence in self._drawn.sentences)):
            for lane in writing:
                legal = self._drawn.legal(prefixes[lane]) if lane in known_paths else None
                if legal is None:
                    known_paths.discard(lane)
                    legal = self._expected.after(prefixes[lane])
                masks[lane] = legal
            writing = [lane for lane in writing if masks[lane].any()]
            if not writing:
                break
            with torch.no_grad():
                log_probabilities, state = self._policy(previous, torch.from_numpy(masks)[:, None], state)
            actions = draw(log_probabilities[:, 0], self._generator)
            for lane in writing:
                wished = wishes[lane][step : step + 1]
                if wished and masks[lane, wished[0]]:
                    actions[lane] = wished[0]
            previous = actions[:, None] + 1
            for lane, action in zip(writing, actions[writing].tolist(), strict=True):
                prefixes[lane] = (*prefixes[lane], action)
        return prefixes


def trust(correlation: float, played: int) -> float:
    """Return how far to follow a surrogate, 0 to 1.

    Args:
        correlation: Its rank correlation.
        played: Number of sentences it was found with. Where there is nothing to find, the correlation's
            standard error is about ``played ** -0.5``; ``CHANCE`` times that is taken off.
    """
    return float(np.clip((correlation - CHANCE * played**-0.5) / TRUSTED, 0.0, 1.0))


def impatience(values: NDArray[np.float64], batch: int) -> float:
    """Return by what to multiply exploration: 1 after a better sentence, 2 ``PATIENCE`` batches later.

    Args:
        values: What the played sentences earned, in the order in which they were played.
        batch: How many a batch has.
    """
    return 1.0 + (len(values) - 1 - int(values.argmax())) / (PATIENCE * batch)


def edits(sentence: Sentence) -> NDArray[np.int64]:
    """List how to replace one token, put one in or leave one out where masks permit that; see ``edited``.

    Args:
        sentence: A played one. Its masks answer for the token that differs, not for those behind it.

    Returns:
        int64, shape ``(edits, 3)``: start, stop and action.
    """
    actions = np.array(sentence.actions)
    steps, options = np.nonzero(sentence.masks)
    replacing = np.stack([steps, steps + 1, options], axis=1)[options != actions[steps]]
    putting_in = np.stack([steps, steps, options], axis=1)
    followed = np.arange(len(actions) - 1)
    left_out = followed[sentence.masks[followed, actions[1:]]]
    leaving_out = np.stack([left_out, left_out + 1, np.full_like(left_out, ANY)], axis=1)
    return np.concatenate([replacing, putting_in, leaving_out])


def edited(actions: Actions, start: int, stop: int, action: int) -> Actions:
    """Return the wishes for a neighbour: an action, or none for ``ANY``, from ``start`` to before ``stop``.

    The last action is wished for once more behind the end, as in ``changed``.
    """
    return (*actions[:start], *([] if action == ANY else [action]), *actions[stop:], actions[-1])
