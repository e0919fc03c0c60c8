"""``text``: a text file of the user's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from nas_gym import checks
from nas_gym.datasets.base import split_sizes
from nas_gym.datasets.folder import users_path
from nas_gym.datasets.texts.corpus import Corpus, beginning
from nas_gym.datasets.texts.reading import read_text
from nas_gym.datasets.texts.vocabulary import choose_vocabulary, encode, words_of
from nas_gym.errors import InvalidArgumentError, InvalidDataError

MAX_VOCABULARY = 50_000
"""A model has a row of weights for each token and computes a probability of each at every step."""
Unit = Literal["word", "character"]
PARTS = ("train", "validation", "test")


def text(
    path: str | Path,
    by: Unit = "word",
    max_vocabulary: int | None = 10_000,
    min_count: int = 2,
    split: Sequence[float] = (0.8, 0.1, 0.1),
    train_tokens: int | None = None,
    validation_tokens: int | None = None,
) -> Corpus:
    """Read a plain text file in UTF-8, split by position: its beginning is learned from, its end is the test.

    By word, tokens are what stands between blanks, and ``<eos>`` at the end of each line that has a word;
    nothing is put into lower case, and no punctuation is split off. By character, every character is a
    token, blanks and ends of line, too. The vocabulary is the most frequent tokens of the training
    part; every other token, in all parts, becomes ``<unk>``. So perplexities by different
    ``max_vocabulary`` or ``min_count`` cannot be compared.

    Args:
        path: The file.
        by: What a token is.
        max_vocabulary: Size of the vocabulary at most, ``<unk>`` included, 2 to 50,000. ``None`` for all
            tokens; a text with more than 50,000 is then refused.
        min_count: Tokens that are rarer than this in the training part become ``<unk>``, 1 or more. With 1,
            training may never show ``<unk>``, and each word that is new in another part, which no model
            could learn to expect, makes perplexity explode.
        split: Relative sizes of training, validation and test part, in tokens.
        train_tokens: How many tokens of the training part to keep, from its beginning, ``None`` for all.
            The vocabulary is that of the whole part.
        validation_tokens: How many tokens of the validation part to keep, from its beginning.

    Raises:
        InvalidArgumentError: If an argument is out of range.
        InvalidDataError: If there is no such file, it is not UTF-8, or too short, or has a vocabulary
            larger than allowed.
    """
    by = checks.choice("by", by, get_args(Unit))
    max_vocabulary = checks.optional_integer("max_vocabulary", max_vocabulary, 2, MAX_VOCABULARY)
    min_count = checks.integer("min_count", min_count, 1)
    file = users_path(path, "file")
    tokens = _read(file, by)
    sizes = split_sizes(len(tokens), split, PARTS)
    if min(sizes) < 2:
        raise InvalidArgumentError(
            f"split leaves {', '.join(map(str, sizes))} tokens of {file} ({', '.join(PARTS)}), "
            "each part needs at least 2: one to read, one to predict"
        )
    held_out = sizes[0] + sizes[1]
    parts = tokens[: sizes[0]], tokens[sizes[0] : held_out], tokens[held_out:]
    vocabulary = choose_vocabulary(parts[0], parts[1:], max_vocabulary, min_count)
    if len(vocabulary) > MAX_VOCABULARY:
        raise InvalidDataError(
            f"{file} has a vocabulary of {len(vocabulary)} {by}s, at most {MAX_VOCABULARY} are allowed; "
            "set max_vocabulary, and the rarer ones become <unk>"
        )
    if len(vocabulary) < 2:
        raise InvalidDataError(
            f"every token of {file} would be {vocabulary[0]!r}, and nothing is left to predict; "
            f"{by}s that come less than {min_count} times (min_count) in its training part become <unk>"
        )
    train, validation, test = (encode(part, vocabulary) for part in parts)
    kept_train = beginning("train_tokens", train, train_tokens)
    kept_validation = beginning("validation_tokens", validation, validation_tokens)
    made_of = [
        file.name,
        f"by={by}",
        f"vocabulary={len(vocabulary)}",
        f"split={'/'.join(map(str, sizes))}",
        *([f"train_tokens={len(kept_train)}"] if len(kept_train) < len(train) else []),
        *([f"validation_tokens={len(kept_validation)}"] if len(kept_validation) < len(validation) else []),
    ]
    return Corpus(
        id=f"text({', '.join(made_of)})",
        train=kept_train,
        validation=kept_validation,
        test=test,
        vocabulary=vocabulary,
        unit=by,
        source="a text given by the user",
        licence="the user's",
        split="words" if by == "word" else "characters",
    )


def _read(file: Path, by: str) -> Sequence[str]:
    """Return all tokens of a file, at least two a part."""
    read = read_text(file)
    count = len(read.split()) if by == "word" else len(read)
    if count < 2 * len(PARTS):
        has = f"{count} {by}{'' if count == 1 else 's'}" if count else f"no {by}"
        raise InvalidDataError(
            f"{file} holds {has}, at least {2 * len(PARTS)} are needed: two for each of {', '.join(PARTS)}"
        )
    return words_of(read) if by == "word" else read
