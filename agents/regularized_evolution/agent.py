"""The aging population."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from agents.arguments import integer
from agents.base import ORDERS, EpisodicAgent
from agents.episodes import AnyEnv, Choose, Episodes
from agents.replay import Replay, Sentence, better, changed, follow, pack, sentences_of, unpack


class RegularizedEvolution(EpisodicAgent):
    """Mutates the best of a random sample of a population, in which the oldest make room for the young.

    The first ``population_size`` episodes are random. From then on each child is its parent's episode
    played again with one action changed: a step with a choice is drawn, then another action that was
    legal there. Behind it masks repair: an action of the parent that is illegal now is replaced by a
    random legal one. ``predict`` writes the best sentence so far.

    Paper: Real, Aggarwal, Huang & Le 2019, https://arxiv.org/abs/1802.01548. Different: one kind of
    mutation for every search space, as above; and the children of one batch, one a lane, have parents
    from the same population, as with that many workers in parallel. One lane is the paper's algorithm.

    Args:
        env: A vector environment, or a single one.
        population_size: How many of the youngest live.
        sample_size: How many of them, drawn without replacement, compete to be a parent.
        seed: Seed of everything random in the agent.
        tensorboard_log: Folder for TensorBoard's event files, ``None`` for none.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or the sample exceeds the population.
    """

    name: ClassVar[str] = "regularized_evolution"
    orders = ORDERS

    def __init__(
        self,
        env: AnyEnv,
        *,
        population_size: int = 20,
        sample_size: int = 5,
        seed: int = 0,
        tensorboard_log: str | Path | None = None,
    ) -> None:
        super().__init__(env, seed, tensorboard_log)
        self.population_size = integer("population_size", population_size, 1, 100_000)
        self.sample_size = integer("sample_size", sample_size, 1, self.population_size)
        self.population: deque[Sentence] = deque(maxlen=self.population_size)
        self.best: Sentence | None = None
        self._generator = np.random.default_rng(self.seed)

    def _next_actions(
        self, observations: NDArray[np.int64], masks: NDArray[np.bool_], deterministic: bool
    ) -> NDArray[np.int64]:
        return follow(self.best, observations, masks, self._generator)

    def _new_batch(self, lanes: int) -> Choose:
        return Replay([self._mutant() for _ in range(lanes)], lanes, self._generator)

    def _mutant(self) -> tuple[int, ...]:
        """Return the wishes for a new child, none while the population is not complete."""
        if len(self.population) < self.population_size:
            return ()
        sample = self._generator.choice(self.population_size, self.sample_size, replace=False)
        parent = max((self.population[i] for i in sample.tolist()), key=lambda sentence: sentence.value)
        alternatives = parent.alternatives()
        if not alternatives:
            return parent.actions
        steps = sorted({step for step, _ in alternatives})
        step = steps[self._generator.integers(len(steps))]
        actions = [action for where, action in alternatives if where == step]
        return changed(parent.actions, step, actions[self._generator.integers(len(actions))])

    def _update(self, episodes: Episodes) -> dict[str, float]:
        for child in sentences_of(episodes):
            self.population.append(child)
            self.best = better(self.best, child)
        return {"population/mean_value": float(np.mean([member.value for member in self.population]))}

    def _state(self) -> dict[str, object]:
        best = [] if self.best is None else [self.best]
        return {
            "population": pack(self.population, self.num_actions),
            "best": pack(best, self.num_actions),
            "generator": self._generator.bit_generator.state,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.population.extend(unpack(state["population"]))
        self.best = next(iter(unpack(state["best"])), None)
        self._generator.bit_generator.state = state["generator"]
