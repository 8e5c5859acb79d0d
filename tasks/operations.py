"""The tasks of on-call engineers; `retry` and `cancel` are the marketplace's too."""

from tasks.base import message_task
from uprid_client.names import Task
from worker.intake import actions
from worker.intake.message import Message
from worker.intake.parts import Parts


@message_task(Task.RETRY)
def retry(parts: Parts, message: Message) -> None:
    """Begin the next attempt: `reference` `attempt` `by` `note` `sealed`?."""
    actions.retry(parts, message)


@message_task(Task.RESUME)
def resume(parts: Parts, message: Message) -> None:
    """Let a waiting attempt go on: `reference` `attempt` `by` `note` `provider_ref`?."""
    actions.resume(parts, message)


@message_task(Task.RESOLVE)
def resolve(parts: Parts, message: Message) -> None:
    """End a waiting attempt by a person's verdict: `reference` `attempt` `verdict` `by` `note`."""
    actions.resolve(parts, message)


@message_task(Task.CANCEL)
def cancel(parts: Parts, message: Message) -> None:
    """End an operation that is not wanted any more: `reference` `attempt` `by` `note`."""
    actions.cancel(parts, message)
