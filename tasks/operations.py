"""The on-call doors, which are also the marketplace's way to resubmit."""

from config.queues import Task
from tasks.door import intake
from worker import intake as taking
from worker.intake import Message
from worker.runtime import Runtime


@intake(Task.RETRY)
def retry(runtime: Runtime, message: Message) -> None:
    """Start the next attempt: `reference`, `attempt`, `by`, `note`, `sealed`?."""
    taking.retry(runtime, message)
