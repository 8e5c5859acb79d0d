"""IntellectMoney's doors."""

from datetime import datetime

from config.queues import Provider, Task, Wake
from tasks.door import chunk, intake
from worker.intake.starts import start
from worker.process.runtime import Runtime


def poll_queued_operations(runtime: Runtime, slot: datetime | None) -> None:
    """Work on what is due at IntellectMoney: new operations, further pages and queued results."""
    runtime.engine.work(Provider.INTELLECTMONEY, Wake.POLL, slot)


intake(Task.INTELLECTMONEY_INVOICES, start(Provider.INTELLECTMONEY, "invoices"))
intake(Task.INTELLECTMONEY_LIST, start(Provider.INTELLECTMONEY, "scheduled_operations"))
intake(Task.INTELLECTMONEY_SAVE, start(Provider.INTELLECTMONEY, "save_scheduled_operation"))
chunk(Task.INTELLECTMONEY_POLL, poll_queued_operations)
