import os
from pathlib import Path

import numpy as np
import pytest

from nas_gym.datasets.texts import penn_treebank
from nas_gym.datasets.texts.corpus import Corpus, Tokens
from nas_gym.datasets.texts.penn_treebank import ptb, ptb_char
from nas_gym.errors import MissingDataError
from tests.nas_gym.texts import random_lines, write_ptb

USERS_FOLDER = os.environ.get("NAS_GYM_DATA", "")
NOWHERE = "file:///nowhere/"
published = pytest.mark.skipif(
    not USERS_FOLDER or not Path(USERS_FOLDER, "PennTreebank", "ptb.train.txt").is_file(),
    reason="there is no Penn Treebank in $NAS_GYM_DATA",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the corpus be looked for in an empty folder, and be downloaded from nowhere."""
    monkeypatch.setattr(penn_treebank, "ADDRESS", NOWHERE)
    monkeypatch.setenv("NAS_GYM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def parts(corpus: Corpus) -> list[Tokens]:
    assert corpus.test is not None
    return [corpus.train, corpus.validation, corpus.test]


def read_back(corpus: Corpus, tokens: Tokens) -> list[str]:
    return [corpus.vocabulary[token] for token in tokens]


def test_ptb__reads_back_as_it_was_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penn_treebank, "FILES", write_ptb(folder))
    by_word, by_character = ptb(), ptb_char()
    assert (by_word.id, by_word.unit) == ("ptb-v0", "word")
    assert (by_character.id, by_character.unit) == ("ptb-char-v0", "character")
    for seed, lines in enumerate((300, 60, 60)):
        written = random_lines(lines, seed)
        assert " ".join(read_back(by_word, parts(by_word)[seed])) == " ".join(
            written.replace("\n", "<eos>").split()
        )
        characters = read_back(by_character, parts(by_character)[seed])
        assert set(map(len, characters)) == {1, len("<eos>")}
        assert "".join(characters) == written[1:].replace(" \n ", "<eos>").replace(" \n", "<eos>").replace(
            " ", "_"
        )


def test_ptb__is_downloaded_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penn_treebank, "FILES", write_ptb(tmp_path / "mirror"))
    monkeypatch.setattr(penn_treebank, "ADDRESS", (tmp_path / "mirror" / "PennTreebank").as_uri() + "/")
    downloaded = ptb().checksum
    monkeypatch.setattr(penn_treebank, "ADDRESS", NOWHERE)
    assert ptb().checksum == downloaded
    assert sorted(file.name for file in (folder / "PennTreebank").iterdir()) == sorted(penn_treebank.FILES)


def test_ptb__that_is_missing_says_what_was_looked_for_where_and_what_to_do(folder: Path) -> None:
    with pytest.raises(MissingDataError) as error:
        ptb()
    says = str(error.value)
    assert says.startswith(
        f"ptb.train.txt of PennTreebank is not in {folder / 'PennTreebank'}, "
        f"and downloading it from {NOWHERE}ptb.train.txt failed ("
    )
    assert says.endswith(
        "connect to the internet, or set NAS_GYM_DATA to the folder that holds PennTreebank/ptb.train.txt"
    )
    assert "\n" not in says


def test_ptb__of_other_content_is_not_taken_for_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ptb(tmp_path / "mirror")
    monkeypatch.setattr(penn_treebank, "ADDRESS", (tmp_path / "mirror" / "PennTreebank").as_uri() + "/")
    with pytest.raises(MissingDataError, match=r"failed \(what came is not the published file\)"):
        ptb()
    assert not list((folder / "PennTreebank").iterdir()), "nothing of it is kept"
    write_ptb(folder)
    with pytest.raises(
        MissingDataError, match=r"ptb.train.txt is not the published file .* delete it"
    ) as error:
        ptb_char()
    assert "\n" not in str(error.value)


def test_ptb__folder_that_cannot_be_made_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAS_GYM_DATA", os.devnull)
    with pytest.raises(MissingDataError, match="is not in /dev/null/PennTreebank") as error:
        ptb()
    assert "\n" not in str(error.value)


@published
def test_ptb__is_the_published_one() -> None:
    corpus = ptb()
    assert [len(part) for part in parts(corpus)] == [929_589, 73_760, 82_430]
    assert len(corpus.vocabulary) == 10_000
    assert set(np.unique(corpus.train)) == set(range(10_000)), "all are in the training part"
    lines = [int((part == corpus.vocabulary.index("<eos>")).sum()) for part in parts(corpus)]
    assert lines == [42_068, 3_370, 3_761]
    beginning = "aer banknote berlitz calloway centrust cluett fromstein gitano".split()
    assert read_back(corpus, corpus.train[:8]) == beginning


@published
@pytest.mark.slow  # five million characters
@pytest.mark.timeout(30)
def test_ptb_char__is_the_published_one() -> None:
    corpus = ptb_char()
    assert [len(part) for part in parts(corpus)] == [5_017_482, 393_042, 442_423]
    assert len(corpus.vocabulary) == 50
    assert "".join(read_back(corpus, corpus.train[:12])) == "aer_banknote"
