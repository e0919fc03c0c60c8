"""Contract checks that other people's search spaces, data sets, evaluators and pools can run.

Each check takes an implementation, raises ``AssertionError`` with the broken rule, and returns nothing.
"""

import json
import pickle
from collections.abc import Sequence
from functools import partial

import numpy as np

from nas_gym.datasets.base import Dataset, Samples
from nas_gym.datasets.texts.corpus import Corpus
from nas_gym.errors import InvalidArchitectureError
from nas_gym.evaluators.base import Answer, Evaluator
from nas_gym.pools.base import Pool
from nas_gym.search_spaces.architecture import Architecture
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.search_spaces.ranked import RankedSpace

NETWORKS = 3
"""Networks of a search space that are built to be checked."""


def random_sentence(search_space: SearchSpace, generator: np.random.Generator) -> list[int]:
    """Draw a complete sentence, each token uniformly among the legal ones."""
    sentence: list[int] = []
    while (legal := search_space.legal_next(sentence)).any():
        sentence.append(int(generator.choice(np.flatnonzero(legal))))
    return sentence


def check_search_space(
    search_space: SearchSpace,
    samples: int = 200,
    seed: int = 0,
    inputs: tuple[int, ...] | None = None,
    outputs: int = 3,
) -> None:
    """Check the promises of ``SearchSpace`` on random sentences.

    Args:
        search_space: What to check.
        samples: Number of sentences.
        seed: Seed of the sentences.
        inputs: Shape of one sample for which ``NETWORKS`` of the sentences are built as well, if the space
            builds any; by default none is.
        outputs: Number of outputs of these networks.
    """
    size = len(search_space.tokens)
    assert size == len(set(search_space.tokens)), "token names must be distinct"
    assert not any(set(name) & set(" \t\n") for name in search_space.tokens), (
        "token names must have no blanks"
    )
    assert search_space.legal_next(()).any(), "the empty sentence must not be complete"
    assert search_space.count() > 0, "a search space must hold a network"
    layers = search_space.layer_tokens
    assert layers.dtype == np.bool_ and layers.shape == (size,), "layer_tokens must have one bool a token"
    generator = np.random.default_rng(seed)
    for _ in range(samples):
        sentence = random_sentence(search_space, generator)
        assert len(sentence) <= search_space.max_length, f"{sentence} is longer than max_length"
        for length in range(len(sentence) + 1):
            _check_prefix(search_space, sentence[:length], complete=length == len(sentence))
        architecture = search_space.decode(sentence)
        assert isinstance(architecture, Architecture), "decode must return an Architecture"
        assert architecture.search_space == search_space.id, "an architecture must name its search space"
        assert list(search_space.encode(architecture)) == sentence, (
            f"encode must invert decode for {architecture}"
        )
        assert search_space.parse(str(architecture)) == architecture, (
            f"parse must invert str for {architecture}"
        )
        canonical = search_space.canonical(architecture)
        assert search_space.parse(str(canonical)) == canonical == search_space.canonical(canonical), (
            f"{canonical}, which stands for {architecture}, must be an architecture and stand for itself"
        )
        blocks = search_space.diagram(architecture.tokens)
        assert blocks, f"the diagram of {architecture} must have a block"
        assert all(-1 <= source < i for i, block in enumerate(blocks) for source in block.inputs), (
            f"blocks of {architecture} must read earlier ones"
        )
    if inputs is not None and type(search_space).build is not SearchSpace.build:
        search_space.check_inputs(inputs)
        for _ in range(NETWORKS):
            sentence = random_sentence(search_space, generator)
            _check_network(search_space, search_space.decode(sentence), inputs, outputs)


def check_ranked_space(search_space: RankedSpace) -> None:
    """Check the promises of ``RankedSpace``, visiting every architecture: make the space a small one."""
    remade = type(search_space)(**json.loads(json.dumps(search_space.arguments)))
    assert (remade.tokens, remade.max_length) == (search_space.tokens, search_space.max_length), (
        "the constructor must make an equal space of its arguments, in JSON's types"
    )
    count = 0
    for rank, architecture in enumerate(search_space.enumerate()):
        assert search_space.rank(architecture) == rank, f"{architecture} must have the rank {rank}"
        assert search_space.unrank(rank) == architecture, f"the rank {rank} must be that of {architecture}"
        count += 1
    assert search_space.count() == count, f"count() must be {count}"
    for outside in (-1, count):
        try:
            search_space.unrank(outside)
        except InvalidArchitectureError:
            continue
        raise AssertionError(f"unrank must refuse {outside}")


def check_dataset(dataset: Samples) -> None:
    """Check the promises of ``Samples``, and of ``Dataset`` where they belong to classes."""
    assert dataset.test is not None, "a data set is made with its test part"
    assert dataset.without_test().test is None, "without_test must lock the test part away"
    shape = dataset.train.features.shape[1:]
    for split in (dataset.train, dataset.validation, dataset.test):
        assert split.features.dtype in (np.float32, np.uint8), (
            f"features must be float32, or images in uint8, got {split.features.dtype}"
        )
        assert split.features.dtype == dataset.train.features.dtype, "features must have one type"
        assert split.features.shape == (len(split), *shape), (
            f"features must have one shape, got {split.features.shape}"
        )
        assert split.features.dtype != np.uint8 or split.features.ndim == 4, (
            f"images must have the shape (samples, channels, height, width), got {split.features.shape}"
        )
        assert split.labels.shape == (len(split),), "labels must be one-dimensional"
        if isinstance(dataset, Dataset):
            assert split.labels.dtype == np.int64, f"labels must be int64, got {split.labels.dtype}"
            assert split.labels.min() >= 0, "labels count from 0"
            assert split.labels.max() < dataset.classes, f"labels must be below {dataset.classes}"
        else:
            assert split.labels.dtype == np.float32, f"numbers must be float32, got {split.labels.dtype}"
            assert np.isfinite(split.labels).all(), "numbers must be finite"
    assert dataset.source, "a data set says where it comes from"
    assert dataset.licence, "a data set says its terms of use"
    assert dataset.checksum != dataset.without_test().checksum, "the checksum must cover the test part"


def check_corpus(corpus: Corpus) -> None:
    """Check the promises of ``Corpus`` that its constructor cannot check."""
    assert corpus.test is not None, "a corpus is made with its test part"
    locked = corpus.without_test()
    assert locked.test is None, "without_test must lock the test part away"
    assert corpus.checksum != locked.checksum, "the checksum must cover the test part"
    for tokens in (corpus.train, corpus.validation, corpus.test):
        assert tokens.base is None or tokens.base.nbytes == tokens.nbytes, (
            "no part may hold on to the memory of another"
        )
    assert not any("\n" in text for text in (corpus.id, corpus.source, corpus.licence)), "one line each"
    assert corpus.source, "a corpus says where it comes from"
    assert corpus.licence, "a corpus says its terms of use"
    assert corpus.unit, "a corpus says what its tokens are"
    if corpus.entropy_rate is not None:
        assert 0 <= corpus.entropy_rate <= np.log(len(corpus.vocabulary)), (
            "no text is harder to predict than by equal chances"
        )


def check_evaluator(evaluator: Evaluator, architectures: Sequence[Architecture]) -> None:
    """Check the promises of ``Evaluator`` on architectures that train without failing.

    Args:
        evaluator: What to check.
        architectures: At least two distinct ones.
    """
    assert len(set(architectures)) >= 2, "two distinct architectures are needed"
    assert evaluator.evaluate([]) == [], "no architectures, no evaluations"
    together = evaluator.evaluate(architectures)
    assert [e.architecture for e in together] == list(architectures), "evaluations must come in order"
    for evaluation in together:
        assert evaluation.status == "ok", f"{evaluation.architecture} failed: {evaluation.reason}"
        assert evaluation.scores, "an evaluation with status 'ok' has a score"
        assert np.isfinite(list(evaluation.scores.values())).all(), (
            f"scores must be finite, got {evaluation.scores}"
        )
        assert evaluation.reason is None, "only a failure has a reason"
    seeds_used = {e.seed for e in together}
    assert seeds_used == {None} or len(seeds_used) == len(set(architectures)), (
        "each architecture has a seed of its own, or none if its result is a mean over seeds"
    )
    alone = [evaluator.evaluate([architecture])[0] for architecture in reversed(architectures)][::-1]
    assert [e.as_info() for e in alone] == [e.as_info() for e in together], (
        "neighbours and order must not matter"
    )
    seeds = list(range(len(architectures)))
    assert [e.seed for e in evaluator.evaluate(architectures, seeds)] == seeds, "given seeds must be used"
    tickets = [*evaluator.send(architectures[:1]), *evaluator.send(architectures[1:])]
    received: list[Answer] = []
    while len(received) < len(tickets) and (came := evaluator.recv()):
        received += came
    assert sorted(ticket for ticket, _ in received) == sorted(tickets), "what is sent is received, once"
    found = dict(received)
    assert [found[ticket].as_info() for ticket in tickets] == [e.as_info() for e in together], (
        "what is sent must be evaluated as by evaluate"
    )
    assert evaluator.recv() == [], "nothing is under way any more"


def _check_prefix(search_space: SearchSpace, prefix: list[int], complete: bool) -> None:
    legal = search_space.legal_next(prefix)
    assert legal.dtype == np.bool_, f"legal_next must return bool, got {legal.dtype}"
    assert legal.shape == (len(search_space.tokens),), (
        f"legal_next must have one entry a token, got {legal.shape}"
    )
    assert complete == (not legal.any()) == search_space.is_complete(prefix), (
        f"completeness of {prefix} is unclear"
    )
    layers = search_space.layer_tokens
    if search_space.end_token is not None and (legal & layers).any():
        end, written = search_space.tokens.index(search_space.end_token), int(layers[prefix].sum())
        assert legal[end] or written < search_space.min_layers, (
            f"a sentence of {search_space.min_layers} layers must be able to end where one more may begin, "
            f"{prefix} is not"
        )
    padded = np.zeros((1, search_space.max_length), dtype=np.int64)
    padded[0, : len(prefix)] = prefix
    batch = search_space.legal_next_batch(padded, np.array([len(prefix)]))
    assert np.array_equal(batch, legal[None]), f"legal_next_batch must agree with legal_next after {prefix}"
    for token in np.flatnonzero(~legal).tolist():
        try:
            search_space.decode([*prefix, token])
        except InvalidArchitectureError:
            continue
        raise AssertionError(f"decode must refuse token {token} after {prefix}")


def _check_network(
    search_space: SearchSpace, architecture: Architecture, inputs: tuple[int, ...], outputs: int
) -> None:
    import torch

    before = torch.get_rng_state()
    module = search_space.build(architecture, inputs, outputs)
    assert torch.equal(torch.get_rng_state(), before), "build must leave the global generator alone"
    size = search_space.size(architecture, inputs, outputs)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    assert size is None or size.parameters == parameters, (
        f"{architecture} has {parameters} parameters, size says {size}"
    )
    if search_space.reads_sequences:
        return
    with torch.inference_mode():
        said = module.eval()(torch.zeros(2, *inputs))
    assert said.shape == (2, outputs), (
        f"{architecture} must say {outputs} numbers of each sample, got the shape {tuple(said.shape)} of 2"
    )


class _Shift:
    """Adds a number, and wants to be warm before."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.warm = 0

    def warm_up(self) -> None:
        """Count how often this is called."""
        self.warm += 1

    def __call__(self, item: int) -> tuple[int, int]:
        """Return the sum, and how often this was warmed up."""
        return item + self.number, self.warm


def check_pool(pool: Pool) -> None:
    """Check that a pool does what ``Pool`` promises; it is closed at the end.

    Raises:
        AssertionError: If it does not.
    """
    assert pool.workers >= 1
    assert list(pool.map(_Shift(1), [])) == []
    items = list(range(10, 17))
    shift = _Shift(1)
    for _ in range(2):  # what was started works on
        assert sorted(pool.map(shift, items)) == [(i, (item + 1, 1)) for i, item in enumerate(items)]
    assert sorted(pool.map(lambda item: -item, items)) == [(i, -item) for i, item in enumerate(items)]
    channel = pool.open(partial(pow, 2))
    numbers = {channel.send(item): item for item in items}
    received: dict[int, object] = {}
    while len(received) < len(items):
        received |= dict(channel.recv())
    assert received == {number: 2**item for number, item in numbers.items()}
    assert channel.recv() == [], "nothing is under way any more"
    channel.close()

    for raising in (_inverse, _complain):
        try:
            list(pool.map(raising, [2, 0, 1]))
        except (ZeroDivisionError, LookupError) as error:
            assert str(error) in ("division by zero", "'no zero'"), error
        else:
            raise AssertionError("an exception of the function did not end the map")
    given_up = pool.map(_inverse, [2, 4])
    for _ in given_up:
        break
    assert sorted(pool.map(_inverse, [1, 2])) == [(0, 1.0), (1, 0.5)], "given up items did harm"

    copy = pickle.loads(pickle.dumps(pool))
    with copy as entered:
        assert entered is copy and copy.workers == pool.workers
        assert list(copy.map(_inverse, [4])) == [(0, 0.25)]
    for _ in range(2):
        pool.close()
    assert list(pool.map(_inverse, [4])) == [(0, 0.25)], "a closed pool does not start anew"
    pool.close()


def _inverse(item: int) -> float:
    return 1 / item


def _complain(item: int) -> int:
    if item == 0:
        raise LookupError("'no zero'")
    return item
