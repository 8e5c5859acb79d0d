"""Mandarin's tasks."""

from datetime import datetime

from config.queues import Wake
from tasks.base import chunk_task, message_task
from uprid_client.names import Provider, Task
from worker.intake import inputs, starts
from worker.intake.message import Message
from worker.intake.parts import Parts
from worker.process.runtime import Runtime
from worker.providers.mandarin.codes import CODE


@message_task(Task.MANDARIN_START)
def start_identification(parts: Parts, message: Message) -> None:
    """Store an identification, which is billed when it is sent: `reference` `sealed`."""
    starts.start(Provider.MANDARIN, "identification")(parts, message)


@message_task(Task.MANDARIN_CODE)
def submit_sms_code(parts: Parts, message: Message) -> None:
    """Store the code that the person got by SMS: `reference` `sealed`."""
    inputs.take(CODE)(parts, message)


@chunk_task(Task.MANDARIN_POLL)
def poll_statuses(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at Mandarin: starts, codes and polls alike."""
    runtime.engine.work(Provider.MANDARIN, Wake.POLL, slot)
