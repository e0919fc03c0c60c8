"""WHERE IS WORK DONE? Pools apply a function to items: here, in threads, processes or simulated workers."""

from nas_gym.pools.base import Pool
from nas_gym.pools.channel import Channel
from nas_gym.pools.fault import Fault
from nas_gym.pools.here import Here
from nas_gym.pools.processes import Processes
from nas_gym.pools.threads import Threads
from nas_gym.pools.virtual import Machines, Virtual

__all__ = ["Channel", "Fault", "Here", "Machines", "Pool", "Processes", "Threads", "Virtual"]
