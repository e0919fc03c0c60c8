"""WHERE IS WORK DONE? Pools apply a function to items: here, in threads, or in worker processes."""

from nas_gym.pools.base import Fault, Pool
from nas_gym.pools.here import Here
from nas_gym.pools.processes import Processes
from nas_gym.pools.threads import Threads

__all__ = ["Fault", "Here", "Pool", "Processes", "Threads"]
