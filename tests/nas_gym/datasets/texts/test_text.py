from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nas_gym.datasets.texts.corpus import Corpus, Tokens
from nas_gym.datasets.texts.text import text
from nas_gym.datasets.texts.vocabulary import choose_vocabulary, encode, words_of
from nas_gym.errors import InvalidArgumentError, InvalidDataError, NasGymError


def write(folder: Path, content: str | bytes) -> Path:
    file = folder / "story.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def read_back(corpus: Corpus, tokens: Tokens | None) -> list[str]:
    assert tokens is not None
    return [corpus.vocabulary[token] for token in tokens]


def test_words_of__ends_lines_and_leaves_out_empty_ones() -> None:
    assert words_of(" a  b\r\n\n \t\nc") == ["a", "b", "<eos>", "c", "<eos>"]
    assert words_of("\n \n") == []


@pytest.mark.parametrize(
    ("train", "rest", "limits", "vocabulary"),
    [
        ("abcb", "ca", {}, "b a c"),
        ("abcb", "cx", {}, "b a c <unk>"),
        ("abcb", "ca", {"max_vocabulary": 3}, "b a c"),
        ("abcb", "ca", {"max_vocabulary": 2}, "b <unk>"),
        ("abcb", "ca", {"min_count": 2}, "b <unk>"),
        ("abcb", "ca", {"min_count": 3}, "<unk>"),
        (["<unk>", "<unk>", "b", "a"], "a", {}, "a b <unk>"),
        (["<unk>", "<unk>", "b", "a"], "a", {"max_vocabulary": 3}, "a b <unk>"),
    ],
)
def test_choose_vocabulary__takes_the_most_frequent_tokens_of_the_training_part(
    train: str | list[str], rest: str, limits: dict[str, int], vocabulary: str
) -> None:
    assert choose_vocabulary(train, [rest], **limits) == tuple(vocabulary.split())


def test_encode__numbers_tokens_and_what_is_unknown() -> None:
    found = encode("abxba", ("b", "a", "<unk>"))
    assert found.dtype == np.int32
    assert found.tolist() == [1, 0, 2, 0, 1]


def test_text__by_word_is_split_by_position(tmp_path: Path) -> None:
    corpus = text(write(tmp_path, "a b\na b\na b\nb a\na new\n"), split=(9, 3, 3))
    assert corpus.id == "text(story.txt, by=word, vocabulary=4, split=9/3/3)"
    assert corpus.unit == "word"
    assert corpus.vocabulary == ("<eos>", "a", "b", "<unk>")
    assert read_back(corpus, corpus.train) == ["a", "b", "<eos>"] * 3
    assert read_back(corpus, corpus.validation) == ["b", "a", "<eos>"]
    assert read_back(corpus, corpus.test) == ["a", "<unk>", "<eos>"]
    assert corpus.entropy_rate is None


def test_text__by_character_keeps_every_character(tmp_path: Path) -> None:
    content = "Größe 7\n\n日本 日本\nGröße 7\n" * 3
    corpus = text(write(tmp_path, "\ufeff" + content.replace("\n", "\r\n")), by="character", split=(1, 1, 1))
    parts = (corpus.train, corpus.validation, corpus.test)
    assert "".join(character for part in parts for character in read_back(corpus, part)) == content
    assert "<unk>" not in corpus.vocabulary
    assert corpus.unit == "character"


def test_text__makes_rare_words_unknown_and_tells_so_in_its_checksum(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(1, 41) for _ in range(number)]
    file = write(tmp_path, " ".join(np.random.default_rng(0).permutation(words).tolist()))
    small, large = text(file, max_vocabulary=10), text(file)
    assert len(small.vocabulary) == 10
    assert small.vocabulary[-1] == "<unk>"
    assert small.vocabulary[:-1] == large.vocabulary[:9]
    assert "<unk>" in read_back(small, small.train)
    assert small.checksum != large.checksum


LONG = "one two three " * 50


@pytest.mark.parametrize(
    ("content", "keywords", "says"),
    [
        ("", {}, "story.txt holds no word, at least 6 are needed: two for each of train, validation, test"),
        (" \n\n ", {}, "story.txt holds no word, at least 6"),
        ("word", {}, "story.txt holds 1 word, at least 6"),
        ("", {"by": "character"}, "story.txt holds no character, at least 6"),
        ("word", {"by": "character"}, "story.txt holds 4 characters, at least 6"),
        ("a b c d e f g", {"split": (1, 1, 1)}, "every token of"),
        ("a" * 90, {"by": "character"}, "story.txt would be 'a', and nothing is left to predict"),
        (b"caf\xe9 " * 20, {}, "story.txt is not UTF-8: byte 3 is 0xe9; save it as UTF-8"),
        (LONG.encode("utf-16"), {}, "story.txt is not UTF-8: byte 0 is 0xff"),
        (LONG, {"max_vocabulary": 1}, "max_vocabulary must be None or an integer from 2 to 50000, got 1"),
        (LONG, {"max_vocabulary": 50_001}, "max_vocabulary must be None or an integer from 2 to 50000"),
        (LONG, {"max_vocabulary": -3}, "got -3"),
        (LONG, {"min_count": 0}, "min_count must be an integer from 1, got 0"),
        (LONG, {"by": "syllable"}, "by must be one of word, character, got 'syllable'"),
        (LONG, {"split": (1, 1)}, "split must be three positive numbers (train, validation, test)"),
        (LONG, {"split": (140, 1, 10)}, "split leaves 140, 1, 10 tokens of"),
        (
            " ".join(map(str, range(51_000))),
            {"max_vocabulary": None, "min_count": 1, "split": (50_997, 2, 2)},
            "story.txt has a vocabulary of 50998 words, at most 50000 are allowed; set max_vocabulary",
        ),
    ],
)
def test_text__refuses_bad_input_in_one_line(
    tmp_path: Path, content: str | bytes, keywords: dict[str, Any], says: str
) -> None:
    with pytest.raises(NasGymError) as error:
        text(write(tmp_path, content), **keywords)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_text__refuses_a_path_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidDataError, match=r"there is no file .*nowhere.txt; path must name a text file"):
        text(tmp_path / "nowhere.txt")
    with pytest.raises(InvalidDataError, match="cannot be read: Is a directory"):
        text(tmp_path)
    with pytest.raises(InvalidDataError, match=r"there is no file ~nobody-at-all/a.txt, nobody has that"):
        text("~nobody-at-all/a.txt")
    for path in (3, "a\0b"):
        with pytest.raises(InvalidArgumentError, match="path must be the name of a file, got"):
            text(path)  # type: ignore[arg-type]
