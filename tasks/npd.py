"""NPD's tasks."""

from datetime import datetime

from config.queues import Wake
from tasks.base import chunk_task, message_task
from uprid_client.names import Provider, Task
from worker.intake import notifications, starts
from worker.intake.message import Message
from worker.intake.parts import Parts
from worker.process.runtime import Runtime
from worker.providers.npd.notification import NOTIFICATION


@message_task(Task.NPD_START)
def start_identification(parts: Parts, message: Message) -> None:
    """Store an identification of a self-employed person: `reference` `unit_id`? `sealed`."""
    starts.start(Provider.NPD, "identification")(parts, message)


@message_task(Task.NPD_NOTIFICATION)
def receive_notification(parts: Parts, message: Message) -> None:
    """Keep a notification and make the operation that it names due at once: `sealed`."""
    notifications.take(NOTIFICATION)(parts, message)


@chunk_task(Task.NPD_ADVANCE)
def advance(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at NPD: its three steps, notifications and deadlines alike."""
    runtime.engine.work(Provider.NPD, Wake.POLL, slot)
