"""What a study found: all that its page tells, as one record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import ascii_uppercase

from nas_gym.envs.episode import Episode
from nas_gym.memory.store import EvaluationStore
from nas_gym.problems.problem import Problem
from nas_gym.studies.climb import Climbed
from nas_gym.studies.comparison import Comparison, Contender
from nas_gym.studies.run_folder import RunSettings, Times
from nas_gym.studies.summary import TableFacts
from nas_gym.tasks.metric import Metric


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """A study after its search, judged on test data or not yet.

    Attributes:
        path: Folder of the run.
        problem: What was searched, with the keywords of the last training.
        metric: What the search judged by; the last training may be asked for another one.
        settings: How it was searched.
        episodes: What happened.
        times: How long the search took.
        best: Text of the network that was chosen after the search.
        climbed: What came of networks at the rungs between search and full training.
        compared: What came of the last training, and of what was held against it; ``None`` before it.
        winner: Folder of the network that was kept; ``None`` if there is none.
        table: What the table of the search space says; ``None`` where children are trained.
        latencies: Measured seconds of a forward pass by architecture; empty if they were not measured.
    """

    path: Path
    problem: Problem
    metric: Metric
    settings: RunSettings
    episodes: Sequence[Episode]
    times: Times
    best: str
    climbed: Sequence[Climbed] = ()
    compared: Comparison | None = None
    winner: Path | None = None
    table: TableFacts | None = None
    latencies: Mapping[str, float] = field(default_factory=dict)

    @property
    def network(self) -> str:
        """Text of the network that the page is about: the winner, else the one that was chosen."""
        found = None if self.compared is None else self.compared.winner
        return self.best if found is None else found.name


def lettered(compared: Comparison) -> tuple[Comparison, dict[str, str]]:
    """Return a comparison whose found networks are called A, B, ..., the best first, and their texts.

    A sentence about an architecture of hundred tokens is no sentence.
    """
    found = [each for each in compared.ranked() if each.found]
    names = (
        letter + ("" if turn == 0 else str(turn)) for turn in range(len(found)) for letter in ascii_uppercase
    )
    letters = {each.name: name for each, name in zip(found, names, strict=False)}

    def renamed(each: Contender) -> Contender:
        return replace(each, name=letters[each.name]) if each.found else each

    return (
        replace(compared, contenders=[renamed(each) for each in compared.contenders]),
        {letter: text for text, letter in letters.items()},
    )


def read_latencies(store: Path | None, episodes: Sequence[Episode]) -> dict[str, float]:
    """Return the measured seconds of networks, as far as a store knows them.

    Args:
        store: File of the run's own store; ``None``, or one that is missing, for none.
        episodes: Those of the run.
    """
    if store is None or not store.is_file():
        return {}
    proposed = {each.architecture for each in episodes if each.status == "ok"}
    known = EvaluationStore(store, create=False)
    try:
        return {
            str(row["architecture"]): float(row["latency_seconds"])
            for row in known.rows()
            if row["latency_seconds"] is not None and not row["rung"] and row["architecture"] in proposed
        }
    finally:
        known.close()
