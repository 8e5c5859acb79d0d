"""Mandarin's doors."""

from datetime import datetime

from config.queues import Provider, Task, Wake
from tasks.door import chunk, intake
from worker.intake import inputs
from worker.intake.starts import start
from worker.process.runtime import Runtime
from worker.providers.mandarin.codes import CODE


def poll_statuses(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at Mandarin: starts, codes and polls alike."""
    runtime.engine.work(Provider.MANDARIN, Wake.POLL, slot)


intake(Task.MANDARIN_START, start(Provider.MANDARIN, "identification"))
intake(Task.MANDARIN_CODE, inputs.take(CODE))
chunk(Task.MANDARIN_POLL, poll_statuses)
