"""Upkeep that beat and on-call engineers trigger; each worker also does it by itself."""

from tasks.base import upkeep_task
from uprid_client.names import Task
from worker.process.runtime import Runtime


@upkeep_task(Task.SWEEP)
def sweep(runtime: Runtime) -> None:
    """Free the leases of silent workers, and wake providers at which something is overdue."""
    runtime.sweep.run()


@upkeep_task(Task.RELAY)
def relay(runtime: Runtime) -> None:
    """Publish the events of the outbox."""
    runtime.relay.run()


@upkeep_task(Task.PURGE)
def purge(runtime: Runtime) -> None:
    """Erase what is past its retention."""
    runtime.sweep.purge()
