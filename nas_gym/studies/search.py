"""Running an agent so that nothing is lost when it is interrupted or killed."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Protocol

from agents.base import Order
from agents.progress import SearchProgress
from nas_gym.envs.episode import Episode
from nas_gym.errors import RunFolderError
from nas_gym.studies.run_folder import RunFolder, Times


class Searcher(Protocol):
    """An agent of ``agents``, whatever its kind."""

    num_architectures: int

    @property
    def checkpoint_name(self) -> str: ...  # noqa: D102

    def learn(  # noqa: D102
        self, total_architectures: int, progress_bar: bool, callback: Callable[[object], bool], **_: str
    ) -> object: ...

    def save(self, path: Path) -> None: ...  # noqa: D102


class Recorder(Protocol):
    """An environment that keeps the episodes that ended."""

    episodes: list[Episode]

    @property
    def evaluation_seconds(self) -> float:
        """Time spent in training children."""
        ...


def search(
    agent: Searcher,
    recorder: Recorder,
    run: RunFolder,
    episodes: int,
    checkpoint_seconds: float = 1.0,
    progress_bar: bool = True,
    seconds: float | None = None,
    order: Order = "batch",
) -> bool:
    """Let an agent learn, and keep the run folder up to date meanwhile.

    Evaluations and checkpoint are written together, the evaluations first: a checkpoint never knows more
    than ``evaluations.csv``. On Ctrl-C the batch under way is finished and everything is written; a
    second Ctrl-C ends the program at once.

    Args:
        agent: New, or loaded from the run's checkpoint.
        recorder: The environment that the agent learns from; its episodes are cut or filled to what the
            agent knows.
        run: Where to write.
        episodes: Number of episodes of the whole run.
        checkpoint_seconds: Time between two checkpoints, at least.
        progress_bar: Whether to show one.
        seconds: After how many the search ends, those before an interruption included; ``None`` for no limit.
        order: In which order the agent learns, see ``EpisodicAgent.learn``. A checkpoint must know the first
            episodes of the recorder, which in order of submission it does not.

    Returns:
        Whether the search reached its end.

    Raises:
        RunFolderError: If ``evaluations.csv`` lacks episodes that the checkpoint knows.
    """
    earlier = run.read_evaluations()
    if len(earlier) < agent.num_architectures:
        raise RunFolderError(
            f"{run.path} has a checkpoint after {agent.num_architectures} episodes, "
            f"but evaluations.csv holds {len(earlier)}"
        )
    played = recorder.episodes
    played[:] = earlier[: agent.num_architectures]
    times = run.read_times()
    started, last_write, shown = time.perf_counter(), time.perf_counter(), len(played)

    def write(done: bool = False) -> None:
        if len(played) >= len(earlier) or done:  # an agent that plays again what is on disk adds nothing
            run.write_evaluations(played[:episodes])
        agent.save(run.path / agent.checkpoint_name)
        run.write_times(times + Times(time.perf_counter() - started, recorder.evaluation_seconds))

    left = None if seconds is None else max(0.0, seconds - times.search_seconds)
    over = left == 0.0
    bar = SearchProgress(episodes, progress_bar, [episode.reward for episode in played], left)
    with _stop_requests() as stop, bar:

        def after_update(_: object) -> bool:
            nonlocal last_write, shown, over
            bar.add(episode.reward for episode in played[shown:])
            shown = len(played)
            if time.perf_counter() - last_write >= checkpoint_seconds:
                write()
                last_write = time.perf_counter()
            over = left is not None and time.perf_counter() - started >= left
            return not (stop or over)

        if not over:
            # Other agents than ours know of no order.
            ordered = {} if order == "batch" else {"order": order}
            agent.learn(max(0, episodes - agent.num_architectures), False, after_update, **ordered)
        finished = over or not stop or agent.num_architectures >= episodes
        write(done=finished)
    return finished


@contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """Collect Ctrl-C in a list; only the second one interrupts."""
    requests: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        if requests:
            raise KeyboardInterrupt
        print("\nstopping after this batch; once more ends at once")
        requests.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield requests
    finally:
        signal.signal(signal.SIGINT, before)
