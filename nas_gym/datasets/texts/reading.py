"""How text becomes tokens and tokens become text, as plain data."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from nas_gym.datasets.folder import users_path
from nas_gym.datasets.texts.corpus import Splitting, Tokens
from nas_gym.datasets.texts.vocabulary import (
    BLANK,
    END_OF_LINE,
    UNKNOWN,
    characters_of_words,
    encode,
    words_of,
)
from nas_gym.errors import InvalidDataError

SPLITTERS: dict[Splitting, Callable[[str], Sequence[str]]] = {
    "words": words_of,
    "characters": str,
    "characters of words": characters_of_words,
}


@dataclass(frozen=True, slots=True)
class TextReading:
    """Text as numbers of the tokens that a language model knows.

    Attributes:
        split: What a token is, see ``SPLITTERS``.
        vocabulary: What the tokens read: token ``t`` is ``vocabulary[t]``.
    """

    kind: ClassVar[Literal["texts"]] = "texts"
    split: Splitting
    vocabulary: tuple[str, ...]

    def read(self, raw: str | Path) -> Tokens:
        """Return tokens, int32, shape ``(tokens,)``.

        Args:
            raw: A text, or the path of a file. A string is always the text itself.

        Raises:
            InvalidDataError: If there is no such file, it is not UTF-8, or a token is unknown and the
                vocabulary has no ``<unk>``.
        """
        if not isinstance(raw, (str, Path)):
            raise InvalidDataError(f"a text must be a string or the Path of a file, got {type(raw).__name__}")
        tokens = SPLITTERS[self.split](read_text(users_path(raw, "file")) if isinstance(raw, Path) else raw)
        try:
            return encode(tokens, self.vocabulary)
        except KeyError as error:
            raise InvalidDataError(
                f"{error.args[0]!r} is not in the vocabulary of {len(self.vocabulary)} tokens, which has no "
                f"{UNKNOWN} either"
            ) from None

    def text_of(self, tokens: Iterable[int]) -> str:
        """Return tokens as text; ``read`` gives the same tokens again, but for incomplete lines of words."""
        words = [self.vocabulary[token] for token in tokens]
        if self.split == "words":
            return " ".join("\n" if word == END_OF_LINE else word for word in words).replace(" \n ", "\n")
        if self.split == "characters":
            return "".join(words)
        return "".join({BLANK: " ", END_OF_LINE: "\n"}.get(word, word) for word in words)


def read_text(file: Path) -> str:
    """Return the text of a file in UTF-8, each line ended with one character.

    Raises:
        InvalidDataError: If there is no such file, or it is not UTF-8.
    """
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise InvalidDataError(f"there is no file {file.absolute()}; path must name a text file") from None
    except OSError as error:
        raise InvalidDataError(f"{file} cannot be read: {error.strerror}") from None
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InvalidDataError(
            f"{file} is not UTF-8: byte {error.start} is 0x{content[error.start]:02x}; save it as UTF-8"
        ) from None
