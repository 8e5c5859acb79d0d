"""The upkeep doors: beat and on-call engineers trigger by hand what every worker does by itself."""

from config.queues import Task
from tasks.door import upkeep

upkeep(Task.SWEEP, lambda runtime: runtime.sweep.run())
upkeep(Task.RELAY, lambda runtime: runtime.relay.run())
upkeep(Task.PURGE, lambda runtime: runtime.sweep.purge())
