"""From text to tokens: which of them a language model knows, and their numbers."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from nas_gym.datasets.texts.corpus import Tokens

END_OF_LINE = "<eos>"
UNKNOWN = "<unk>"
BLANK = "_"
"""What stands between words where words are spelt."""


def words_of(text: str) -> list[str]:
    """Split text at blanks, and end each line with ``<eos>``; lines without a word are left out."""
    words: list[str] = []
    for line in text.split("\n"):
        if in_line := line.split():
            words += in_line
            words.append(END_OF_LINE)
    return words


def characters_of_words(text: str) -> list[str]:
    """Spell words, ``_`` between two, and end each line with ``<eos>``; lines without a word are left out."""
    tokens: list[str] = []
    for line in text.split("\n"):
        if words := line.split():
            tokens += BLANK.join(words)
            tokens.append(END_OF_LINE)
    return tokens


def choose_vocabulary(
    train: Sequence[str],
    held_out: Sequence[Sequence[str]],
    max_vocabulary: int | None = None,
    min_count: int = 1,
) -> tuple[str, ...]:
    """Choose what a language model knows: the most frequent tokens of the training part.

    Frequencies are those of the training part alone. ``<unk>`` is added if a token of any part is left
    out, or reads so itself.

    Args:
        train: The training part; a string is a sequence of its characters.
        held_out: The other parts.
        max_vocabulary: Size at most, ``<unk>`` included; ``None`` for no limit.
        min_count: Tokens that are rarer than this in the training part are left out.

    Returns:
        Distinct tokens, the most frequent first, equally frequent ones in the order of their code points;
        ``<unk>`` is the last if it is there.
    """
    counts = Counter(train)
    known = [token for token, count in counts.items() if count >= min_count and token != UNKNOWN]
    known.sort(key=lambda token: (-counts[token], token))
    everything = set(counts).union(*held_out)
    if len(known) == len(everything) and (max_vocabulary is None or len(known) <= max_vocabulary):
        return tuple(known)
    return (*known[: None if max_vocabulary is None else max_vocabulary - 1], UNKNOWN)


def encode(tokens: Sequence[str], vocabulary: Sequence[str]) -> Tokens:
    """Return the number of each token, int32, shape ``(tokens,)``; of unknown ones that of ``<unk>``.

    Raises:
        KeyError: If a token is neither in the vocabulary nor is ``<unk>``.
    """
    numbers = {token: number for number, token in enumerate(vocabulary)}
    if UNKNOWN in numbers:
        unknown = numbers[UNKNOWN]
        found = (numbers.get(token, unknown) for token in tokens)
    else:
        found = (numbers[token] for token in tokens)
    return np.fromiter(found, dtype=np.int32, count=len(tokens))
