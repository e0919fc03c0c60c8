"""Episodes that are drawn and not learned yet: their sentences are written, their rewards may be missing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from agents.episodes import AnyVectorEnv, Choose, Episodes, single_action_space
from agents.errors import InvalidArgumentError
from agents.replay import Sentence, episodes_of, sentences_of

Received: TypeAlias = tuple[Any, Any, Any, Any, dict[str, Any]]
"""Observations, rewards, terminations, truncations and infos of the lanes that are ready."""
NOBODY = -1


class _Sending(Protocol):
    """A vector environment whose lanes need not wait for one another, by EnvPool's convention."""

    def send(self, actions: NDArray[np.int64], lanes: NDArray[np.int64]) -> None: ...

    def recv(self, at_least: int) -> Received: ...


@dataclass(frozen=True, eq=False)
class Flight:
    """A drawn episode.

    Attributes:
        number: Its place among the drawn ones, from 0.
        sentence: What was written; its value is NaN.
        log_likelihood: That of the sentence under what drew it; NaN where nobody wants to know.
    """

    number: int
    sentence: Sentence
    log_likelihood: float = float("nan")


class Flights:
    """Plays episodes in lanes that do not wait for one another.

    Writing sentences takes no time, so those that are drawn together are written together, and each of them
    is sent to be judged when it ends. An episode is reset with a seed that follows from its number: it can be
    played again, and what it earns depends on no lane.

    Args:
        env: The environment, which must have ``send`` and ``recv`` as ``NasVectorEnv`` does.
        seed: From it and an episode's number follows the seed of its reset.
        drawn: How many episodes have been drawn before.
        under_way: Those of them that were not learned; they are sent again.

    Raises:
        InvalidArgumentError: If the environment cannot send and receive, or has too few lanes.
    """

    def __init__(self, env: AnyVectorEnv, seed: int, drawn: int, under_way: Sequence[Flight] = ()) -> None:
        if not (hasattr(env, "send") and hasattr(env, "recv")):
            raise InvalidArgumentError(f"lanes that do not wait need send and recv, {env} has them not")
        if len(under_way) > env.num_envs:
            raise InvalidArgumentError(
                f"{len(under_way)} episodes are under way, they need as many lanes, got {env.num_envs}"
            )
        self._env = env
        self._sending = cast("_Sending", env)
        self._seed = seed
        self.drawn = drawn
        self.under_way: dict[int, Flight] = {flight.number: flight for flight in under_way}
        """Those that are drawn and not learned, in order of drawing."""
        self._in_lane = np.full(env.num_envs, NOBODY)
        self._legal = np.ones((env.num_envs, int(single_action_space(env).n)), dtype=np.bool_)
        self._earned = np.zeros(env.num_envs)
        self._landed: dict[int, float] = {}
        env.reset()  # whatever was in the lanes is waited for no more
        if under_way:
            self._write(_Given(under_way), list(self.under_way))

    @property
    def free(self) -> int:
        """How many more episodes may be drawn."""
        return self._env.num_envs - len(self.under_way)

    def lanes(self, count: int) -> int:
        """Return for how many lanes actions are chosen where ``count`` episodes are played."""
        return count

    def play(self, choose: Choose, count: int, *_: int) -> Episodes:
        """Write sentences.

        Args:
            choose: From masks ``(count, actions)`` to actions ``(count,)``; called once a step.
            count: How many, at most ``free``.

        Returns:
            The episodes, which have earned NaN.
        """
        numbers = list(range(self.drawn, self.drawn + count))
        episodes = self._write(choose, numbers)
        self.drawn += count
        sentences = sentences_of(episodes)
        self.under_way |= {n: Flight(n, sentence) for n, sentence in zip(numbers, sentences, strict=True)}
        return episodes

    def note(self, log_likelihoods: Sequence[float]) -> None:
        """Keep how probable the latest episodes were when they were drawn."""
        latest = range(self.drawn - len(log_likelihoods), self.drawn)
        for number, value in zip(latest, log_likelihoods, strict=True):
            self.under_way[number] = replace(self.under_way[number], log_likelihood=value)

    def first(self, count: int) -> list[int]:
        """Return the numbers of the first episodes to end, once so many have."""
        while len(self._landed) < count:
            self._receive(count - len(self._landed))
        return list(self._landed)[:count]

    def take(self, numbers: Sequence[int]) -> Episodes:
        """Return episodes and what they earned, once all of them have ended; they are not under way then."""
        while not self._landed.keys() >= set(numbers):
            self._receive(1)
        flights = [self.under_way.pop(number) for number in numbers]
        episodes = episodes_of([replace(f.sentence, value=self._landed.pop(f.number)) for f in flights])
        return replace(episodes, log_likelihoods=np.array([flight.log_likelihood for flight in flights]))

    def _write(self, choose: Choose, numbers: Sequence[int]) -> Episodes:
        lanes = np.flatnonzero(self._in_lane == NOBODY)[: len(numbers)]
        self._in_lane[lanes] = numbers
        self._earned[lanes] = 0.0
        seeds: list[int | None] = [None] * self._env.num_envs
        for lane, number in zip(lanes.tolist(), numbers, strict=True):
            seeds[lane] = int(np.random.SeedSequence((self._seed, number)).generate_state(1)[0] >> 1)
        chosen = np.zeros(self._env.num_envs, dtype=np.bool_)
        chosen[lanes] = True
        # Gymnasium's own vector environments take lists of seeds, too.
        _, infos = self._env.reset(seed=seeds, options={"reset_mask": chosen})  # type: ignore[arg-type]
        if "action_mask" in infos:
            self._legal[lanes] = infos["action_mask"][lanes]
        writing = np.ones(len(lanes), dtype=np.bool_)
        steps: list[tuple[NDArray[np.int64], NDArray[np.bool_]]] = []
        lengths = np.zeros(len(lanes), dtype=np.int64)
        while writing.any():
            masks = self._legal[lanes] | ~writing[:, None]
            actions = np.where(writing, choose(masks), 0)
            steps.append((actions, masks))
            lengths += writing
            self._sending.send(actions[writing], lanes[writing])
            writing = writing & np.isin(lanes, self._receive(0))
        written, masks = (np.stack(column, axis=1) for column in zip(*steps, strict=True))
        rewards = np.where(np.arange(len(steps)) == lengths[:, None] - 1, np.nan, 0.0)
        return Episodes(written, masks, rewards, lengths)

    def _receive(self, at_least: int) -> NDArray[np.int64]:
        """Take in what has come, and return the lanes in which sentences go on."""
        _, rewards, terminated, truncated, infos = self._sending.recv(at_least)
        lanes = infos["env_id"]
        assert at_least == 0 or len(lanes), "there is something to wait for"
        self._earned[lanes] += rewards
        if "action_mask" in infos:
            self._legal[lanes] = infos["action_mask"]
        ended = terminated | truncated
        for lane in lanes[ended].tolist():
            self._landed[int(self._in_lane[lane])] = float(self._earned[lane])
            self._in_lane[lane] = NOBODY
        return np.asarray(lanes[~ended])


class _Given:
    """Chooses the actions that were written before."""

    def __init__(self, flights: Sequence[Flight]) -> None:
        self._flights = flights
        self._step = 0

    def __call__(self, masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        step, self._step = self._step, self._step + 1
        given = [flight.sentence.actions for flight in self._flights]
        return np.array([actions[step] if step < len(actions) else 0 for actions in given])
