"""The tasks of on-call engineers; `retry` and `cancel` are the marketplace's too."""

from config.queues import Task
from tasks.base import message_task
from worker.intake import actions
from worker.intake.message import Message
from worker.process.runtime import Runtime


@message_task(Task.RETRY)
def retry(runtime: Runtime, message: Message) -> None:
    """Begin the next attempt: `reference` `attempt` `by` `note` `sealed`?."""
    actions.retry(runtime, message)


@message_task(Task.RESUME)
def resume(runtime: Runtime, message: Message) -> None:
    """Let a waiting attempt go on: `reference` `attempt` `by` `note` `provider_ref`?."""
    actions.resume(runtime, message)


@message_task(Task.RESOLVE)
def resolve(runtime: Runtime, message: Message) -> None:
    """End a waiting attempt by a person's verdict: `reference` `attempt` `verdict` `by` `note`."""
    actions.resolve(runtime, message)


@message_task(Task.CANCEL)
def cancel(runtime: Runtime, message: Message) -> None:
    """End an operation that is not wanted any more: `reference` `attempt` `by` `note`."""
    actions.cancel(runtime, message)
