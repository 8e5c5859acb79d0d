"""MONETA's doors."""

from datetime import datetime

from config.queues import Provider, Task, Wake
from tasks.door import chunk, intake
from worker.intake import callbacks
from worker.intake.starts import start
from worker.process.runtime import Runtime
from worker.providers.moneta.callback import CALLBACK


def poll_async_requests(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at MONETA: submits, polls and settlements alike."""
    runtime.engine.work(Provider.MONETA, Wake.POLL, slot)


def check_profiles(runtime: Runtime, slot: datetime | None) -> None:
    """Do the same, woken for settlements."""
    runtime.engine.work(Provider.MONETA, Wake.SETTLE, slot)


intake(Task.MONETA_START, start(Provider.MONETA, "identification"))
intake(Task.MONETA_CALLBACK, callbacks.take(CALLBACK))
chunk(Task.MONETA_POLL, poll_async_requests)
chunk(Task.MONETA_SETTLE, check_profiles)
