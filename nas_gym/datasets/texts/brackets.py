"""``brackets-v0``: nested brackets, the best possible perplexity of which is known exactly."""

import numpy as np

from nas_gym import checks
from nas_gym.datasets.texts.bracket_grammar import BracketGrammar
from nas_gym.datasets.texts.corpus import Corpus

MAX_TOKENS = 10_000_000


def brackets(
    train_tokens: int = 50_000,
    validation_tokens: int = 10_000,
    test_tokens: int = 10_000,
    kinds: int = 4,
    max_depth: int = 6,
    opening: float = 0.5,
    seed: int = 0,
) -> Corpus:
    """Write random brackets; see ``BracketGrammar``, whose ``entropy_rate`` the corpus has.

    Each part is a text of its own that begins with no bracket open. On a part, the grammar's own
    perplexity strays from ``best_perplexity`` as every sample does, here by 0.3 % for 10,000 tokens.

    Args:
        train_tokens: Size of the training part, 2 to 10,000,000 tokens. Fewer are the beginning of more,
            in this part and in the others.
        validation_tokens: Size of the validation part.
        test_tokens: Size of the test part.
        kinds: Kinds of brackets, 1 to 4; there are twice as many different tokens.
        max_depth: Most brackets that are open at once, 1 to 100: how far back a model has to remember.
        opening: Probability of opening a bracket where closing one is allowed, too.
        seed: Seed of the text, not of the children's training.

    Raises:
        InvalidArgumentError: If an argument is out of range.
    """
    grammar = BracketGrammar(kinds, max_depth, opening)
    given = {
        "train_tokens": train_tokens,
        "validation_tokens": validation_tokens,
        "test_tokens": test_tokens,
    }
    sizes = {name: checks.integer(name, size, 2, MAX_TOKENS) for name, size in given.items()}
    seed = checks.seed("seed", seed)
    train, validation, test = (
        grammar.sample(size, np.random.default_rng(stream))
        for size, stream in zip(sizes.values(), np.random.SeedSequence(seed).spawn(3), strict=True)
    )
    return Corpus(
        id=f"brackets-v0(tokens={'/'.join(map(str, sizes.values()))}, kinds={kinds}, max_depth={max_depth}, "
        f"opening={opening}, seed={seed})",
        train=train,
        validation=validation,
        test=test,
        vocabulary=grammar.vocabulary,
        unit="bracket",
        source="random draws from BracketGrammar",
        licence="none needed",
        entropy_rate=grammar.entropy_rate,
        split="characters",
    )
