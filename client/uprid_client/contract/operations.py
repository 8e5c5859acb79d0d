"""Actions on an operation of any provider: `retry`, `resume`, `resolve`, `cancel`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from uprid_client.contract.arguments import (
    Action,
    OptionalSealed,
    PlainText,
    ProviderRef,
    Rule,
)
from uprid_client.contract.tasks import TaskContract
from uprid_client.names import Task


class Verdict(StrEnum):
    """How an attempt may end: the names of the terminal states."""

    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Retry(Action):
    """Start the next attempt, with corrected data if given."""

    sealed: OptionalSealed = None


class Resume(Action):
    """Let a waiting attempt go on, with the provider's id where its reply was lost."""

    provider_ref: ProviderRef = None


class Resolve(Action):
    """Write down the verdict of a waiting attempt."""

    verdict: Annotated[Verdict, PlainText, Rule(f"must be one of {', '.join(sorted(Verdict))}")]


class Cancel(Action):
    """Cancel a live attempt."""


TASKS: Final[Mapping[Task, TaskContract]] = {
    Task.RETRY: TaskContract(Retry),
    Task.RESUME: TaskContract(Resume),
    Task.RESOLVE: TaskContract(Resolve),
    Task.CANCEL: TaskContract(Cancel),
}
