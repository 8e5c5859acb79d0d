"""NPD's doors."""

from datetime import datetime

from config.queues import Provider, Task, Wake
from tasks.door import chunk, intake
from worker.intake import notifications
from worker.intake.starts import start
from worker.process.runtime import Runtime
from worker.providers.npd.notification import NOTIFICATION


def advance(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at NPD: its three steps, notifications and deadlines alike."""
    runtime.engine.work(Provider.NPD, Wake.POLL, slot)


intake(Task.NPD_START, start(Provider.NPD, "identification"))
intake(Task.NPD_NOTIFICATION, notifications.take(NOTIFICATION))
chunk(Task.NPD_ADVANCE, advance)
