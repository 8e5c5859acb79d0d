"""IntellectMoney's tasks."""

from datetime import datetime

from config.queues import Wake
from tasks.base import chunk_task, message_task
from uprid_client.names import Provider, Task
from worker.intake import starts
from worker.intake.message import Message
from worker.intake.parts import Parts
from worker.process.runtime import Runtime


@message_task(Task.INTELLECTMONEY_INVOICES)
def fetch_invoices(parts: Parts, message: Message) -> None:
    """Store the fetching of the payment registry, all its pages: `reference` `filters`."""
    starts.start(Provider.INTELLECTMONEY, "invoices")(parts, message)


@message_task(Task.INTELLECTMONEY_LIST)
def fetch_scheduled_operations(parts: Parts, message: Message) -> None:
    """Store the fetching of the list of scheduled operations: `reference` `filters`."""
    starts.start(Provider.INTELLECTMONEY, "scheduled_operations")(parts, message)


@message_task(Task.INTELLECTMONEY_SAVE)
def save_scheduled_operation(parts: Parts, message: Message) -> None:
    """Store the creation or change of a scheduled operation: `reference` `operation`."""
    starts.start(Provider.INTELLECTMONEY, "save_scheduled_operation")(parts, message)


@chunk_task(Task.INTELLECTMONEY_POLL)
def poll_queued_operations(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at IntellectMoney: new operations, further pages and queued results."""
    runtime.engine.work(Provider.INTELLECTMONEY, Wake.POLL, slot)
