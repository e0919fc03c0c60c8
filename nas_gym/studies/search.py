"""Running an agent so that nothing is lost when it is interrupted or killed."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from agents.errors import RunFolderError
from nas_gym.studies.run_folder import RunFolder


class Recorder(Protocol):
    """An environment that keeps a row for every finished episode."""

    rows: list[dict[str, Any]]

    @property
    def evaluation_seconds(self) -> float:
        """Time spent in training children."""
        ...


def search(
    agent: Any,  # noqa: ANN401, an EpisodicAgent or an Sb3Agent
    recorder: Recorder,
    run: RunFolder,
    episodes: int,
    checkpoint_seconds: float = 1.0,
    progress_bar: bool = True,
) -> bool:
    """Let an agent learn, and keep the run folder up to date meanwhile.

    Evaluations and checkpoint are written together, the evaluations first: a checkpoint never knows more
    than ``evaluations.csv``. On Ctrl-C the batch under way is finished and everything is written; a
    second Ctrl-C ends the program at once.

    Args:
        agent: New, or loaded from the run's checkpoint.
        recorder: The environment that the agent learns from; its rows are cut or filled to what the
            agent knows.
        run: Where to write.
        episodes: Number of episodes of the whole run.
        checkpoint_seconds: Time between two checkpoints, at least.
        progress_bar: Whether to show one.

    Returns:
        Whether the search reached its end.

    Raises:
        RunFolderError: If ``evaluations.csv`` lacks rows that the checkpoint knows.
    """
    earlier = run.read_evaluations()
    if len(earlier) < agent.num_architectures:
        raise RunFolderError(
            f"{run.path} has a checkpoint after {agent.num_architectures} episodes, "
            f"but evaluations.csv holds {len(earlier)}"
        )
    recorder.rows[:] = earlier[: agent.num_architectures]
    times = run.read_times()
    started, last_write = time.perf_counter(), time.perf_counter()

    def write(done: bool = False) -> None:
        rows = recorder.rows[:episodes]
        if len(rows) >= len(earlier) or done:  # an agent that plays again what is on disk adds nothing
            run.write_evaluations(rows)
        agent.save(run.path / agent.checkpoint_name)
        run.write_times(
            {
                "search_seconds": times.get("search_seconds", 0.0) + time.perf_counter() - started,
                "evaluation_seconds": times.get("evaluation_seconds", 0.0) + recorder.evaluation_seconds,
            }
        )

    with _stop_requests() as stop:

        def after_update(_: object) -> bool:
            nonlocal last_write
            if time.perf_counter() - last_write >= checkpoint_seconds:
                write()
                last_write = time.perf_counter()
            return not stop

        agent.learn(max(0, episodes - agent.num_architectures), progress_bar, after_update)
        finished = not stop or bool(agent.num_architectures >= episodes)
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
