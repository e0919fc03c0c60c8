"""The best episodes so far."""

from collections.abc import Iterable

from agents.replay import Sentence


class PriorityQueue:
    """Keeps the best distinct sentences, for priority-queue training.

    Paper: Abolafia et al. 2018, https://arxiv.org/abs/1801.03526: the policy is also trained to make the
    best sentences found so far more probable, whenever they were found.

    Args:
        size: How many are kept at most, 0 or more.

    Attributes:
        sentences: The best, in falling order of their values; of equals the first to come stands first.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.sentences: list[Sentence] = []

    def add(self, sentences: Iterable[Sentence]) -> None:
        """Take in sentences that are better than the worst here; one that is here already stays as it is."""
        known = {sentence.actions for sentence in self.sentences}
        for sentence in sentences:
            if sentence.actions not in known:
                known.add(sentence.actions)
                self.sentences.append(sentence)
        self.sentences.sort(key=lambda sentence: -sentence.value)
        del self.sentences[self.size :]
