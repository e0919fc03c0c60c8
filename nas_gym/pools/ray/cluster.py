"""The connection of this process to a Ray cluster: Ray has one for each process."""

import logging
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from threading import RLock

from nas_gym.errors import WorkerError
from nas_gym.extras import needs

with needs("ray", "a cluster"):
    import ray

LOCAL = "local"
ANSWER_SECONDS = 10.0
OBJECT_STORE_BYTES = 500 * 1024**2

_lock = RLock()
_users: list[str] = []
"""The address that each user of the connection has asked for."""
_made_here = False


def connect(address: str, cpus: int | None) -> None:
    """Connect this process, unless it is; never to a cluster that was not asked for.

    Args:
        address: Of a cluster's head, or ``"local"`` for a cluster of this machine alone, which is started.
        cpus: How many CPUs a local one has; by default those of the machine.

    Raises:
        WorkerError: If that fails, or this process is connected to another one.
    """
    global _made_here
    with _lock:
        if _users or ray.is_initialized():
            known = _users[0] if _users else str(ray.get_runtime_context().gcs_address)
            if known != address:
                raise WorkerError(
                    f"this process is connected to Ray at {known}, it cannot be to {address}, too"
                )
            _users.append(address)
            return
        if address != LOCAL:
            _check_that_somebody_is_there(address)
        # Ray would replace print, count its users, and warn of what changes in its next version.
        os.environ.setdefault("RAY_TQDM_PATCH_PRINT", "0")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            if address == LOCAL:
                ray.init(
                    address=LOCAL,
                    num_cpus=cpus,
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
            else:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # Ray raises many kinds
            cause = " ".join(str(error).split())[:200]
            raise WorkerError(f"there is no Ray at {address}: {cause}") from None
        _made_here = True
        _hide_token()
        _users.append(address)


def disconnect(address: str) -> None:
    """End the connection with its last user, if it was made here, and a local cluster with it."""
    global _made_here
    with _lock:
        if address in _users:
            _users.remove(address)
            if not _users and _made_here:
                _made_here = False
                ray.shutdown()


def is_alive(node: str) -> bool:
    """Say whether the cluster takes a node for alive, and the node itself answers.

    That a node is gone is noticed by the cluster's health checks, seconds after its workers have died.
    """
    known = {each["NodeID"]: each for each in ray.nodes() if each["Alive"]}  # type: ignore[no-untyped-call]
    return node in known and _answers(known[node]["NodeManagerAddress"], known[node]["NodeManagerPort"])


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), ANSWER_SECONDS).close()
    except OSError:
        return False
    return True


def cpus() -> float:
    """Return how many CPUs the cluster has."""
    return float(ray.cluster_resources().get("CPU", 0.0))  # type: ignore[no-untyped-call]


def tell(text: str) -> None:
    """Say a line to whoever waits."""
    print(text, file=sys.stderr, flush=True)


def _check_that_somebody_is_there(address: str) -> None:
    """Refuse an address where nobody listens: Ray waits for minutes, and ends the process."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
    except (ValueError, OSError) as error:
        raise WorkerError(
            f"there is no Ray at {address}, it must be host:port of its head: {error}"
        ) from None


def _hide_token() -> None:
    """Let nobody else read what authenticates: Ray writes the file for everybody."""
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))
    with suppress(OSError):
        token.chmod(0o600)
