"""MONETA's tasks."""

from datetime import datetime

from config.queues import Wake
from tasks.base import chunk_task, message_task
from uprid_client.names import Provider, Task
from worker.intake import callbacks, starts
from worker.intake.message import Message
from worker.intake.parts import Parts
from worker.process.runtime import Runtime
from worker.providers.moneta.callback import CALLBACK


@message_task(Task.MONETA_START)
def start_identification(parts: Parts, message: Message) -> None:
    """Store a simplified identification: `reference` `unit_id` `sealed`?."""
    starts.start(Provider.MONETA, "identification")(parts, message)


@message_task(Task.MONETA_CALLBACK)
def receive_callback(parts: Parts, message: Message) -> None:
    """Trigger an earlier poll of the attempt, and no more: `async_id`."""
    callbacks.take(CALLBACK)(parts, message)


@chunk_task(Task.MONETA_POLL)
def poll_async_requests(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at MONETA: submits, polls and settlements alike."""
    runtime.engine.work(Provider.MONETA, Wake.POLL, slot)


@chunk_task(Task.MONETA_SETTLE)
def check_profiles(runtime: Runtime, slot: datetime | None) -> None:
    """Work on the same, when settlements are due."""
    runtime.engine.work(Provider.MONETA, Wake.SETTLE, slot)
