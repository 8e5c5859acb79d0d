"""MONETA's doors."""

from datetime import datetime

from config.queues import DOORS, Provider, Task, Wake
from tasks.door import chunk, intake
from worker import intake as taking
from worker.intake import Message
from worker.runtime import Runtime


@intake(Task.MONETA_START)
def start_identification(runtime: Runtime, message: Message) -> None:
    """Start a simplified identification: `reference`, `unit_id`, `sealed`?."""
    taking.start(runtime, message, Provider.MONETA, "identification")


def poll_async_requests(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at MONETA: submits, polls and settlements alike."""
    runtime.engine.work(Provider.MONETA, Wake.POLL, slot)


def check_profiles(runtime: Runtime, slot: datetime | None) -> None:
    """Do the same, woken for settlements."""
    runtime.engine.work(Provider.MONETA, Wake.SETTLE, slot)


chunk(DOORS[Provider.MONETA].poll, poll_async_requests)
chunk(DOORS[Provider.MONETA].settle, check_profiles)
