from pathlib import Path

import numpy as np
import pytest

from nas_gym.datasets.texts.corpus import Corpus
from nas_gym.datasets.texts.text import text
from nas_gym.datasets.texts.vocabulary import words_of
from nas_gym.errors import NasGymError
from nas_gym.kept.language_model import KeptLanguageModel
from nas_gym.kept.loading import load_network
from tests.nas_gym.kept.networks import kept
from tests.nas_gym.texts import small_text

pytestmark = pytest.mark.usefixtures("compiled_cells")
CELL = "add:tanh elem_mult:sigmoid add:tanh add:identity node-0 node-1"
QUICK = {"epochs": 1, "units": 8, "layers": 2, "batch_size": 4, "tied": True}


def model(folder: Path, by: str) -> tuple[KeptLanguageModel, Corpus]:
    keywords = {"path": str(small_text()), "by": by, "space": {"base": 2}, "full": QUICK}
    path, problem = kept(folder / by, "NAS-Text-v0", CELL, **keywords)
    network, corpus = load_network(path), problem.task.data_of(-1) if problem.task else None
    assert isinstance(network, KeptLanguageModel) and isinstance(corpus, Corpus)
    return network, corpus


@pytest.mark.parametrize("by", ["word", "character"])
def test_language_model__judges_the_test_text_as_the_report_does(by: str, tmp_path: Path) -> None:
    network, corpus = model(tmp_path, by)
    raw = small_text().read_text()
    assert corpus.test is not None
    if by == "character":
        end = raw[-len(corpus.test) :]
    else:
        words = words_of(raw)[-len(corpus.test) :]
        end = " ".join(words).replace("<eos>", "\n")
    assert network.perplexity(end) == network.scores["test"]["perplexity"] > 1
    (tmp_path / "end.txt").write_bytes(end.replace("\n", "\r\n").encode("utf-8-sig"))
    assert network.perplexity(tmp_path / "end.txt") == network.perplexity(end)
    assert network.vocabulary == corpus.vocabulary
    chances = network.predict_proba(end)
    assert chances.shape == (1, len(corpus.vocabulary)) and chances.sum() == pytest.approx(1)
    assert network.predict(end)[0] == corpus.vocabulary[int(np.argmax(chances))]


def test_continuation__repeats_with_its_seed(tmp_path: Path) -> None:
    network, _ = model(tmp_path, "character")
    written = network.continuation("the cat", 30, seed=1)
    assert len(written) == 30 and set(written) <= {*network.vocabulary}
    assert (
        network.continuation("the cat", 30, seed=1) == written != network.continuation("the cat", 30, seed=2)
    )
    words, _ = model(tmp_path, "word")
    written = words.continuation("the cat\n", tokens=40)
    assert {*written.split()} <= {*words.vocabulary}


def test_language_model__says_in_one_line_what_it_cannot_read(tmp_path: Path) -> None:
    network, _ = model(tmp_path, "character")
    for ask, says in (
        (lambda: network.perplexity("t"), "has 1 tokens, at least 2 are needed"),
        (lambda: network.continuation(""), "has 0 tokens, at least 1 are needed"),
        (lambda: network.perplexity("the Ω"), "'Ω' is not in the vocabulary"),
        (lambda: network.perplexity(tmp_path / "none.txt"), "there is no file"),
        (lambda: network.predict(np.zeros(3)), "a text must be a string or the Path of a file, got ndarray"),
        (lambda: network.continuation("the", tokens=0), "tokens must be an integer from 1, got 0"),
        (lambda: network.continuation("the", seed=-1), "seed must be an integer"),
    ):
        with pytest.raises(NasGymError) as raised:
            ask()
        assert says in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize("by", ["word", "character"])
def test_reading__returns_what_it_read(by: str) -> None:
    corpus = text(small_text(), by=by)  # type: ignore[arg-type] # both are allowed
    reading = corpus.reading
    lines = "the cat sat\non mats\n"
    tokens = reading.read(lines)
    assert (reading.read(reading.text_of(tokens)) == tokens).all()
