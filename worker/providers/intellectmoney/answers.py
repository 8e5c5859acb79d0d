"""The edge of IntellectMoney: what it answers, once it is read. Nothing unparsed goes further."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A scheduled operation as it is listed. What was not said is None."""

    operation_id: str
    object_id: int | None
    object_type: int | None
    params: str | None
    repeat_plan: str | None
    retry_on_fail_plan: str | None
    retry_on_fail_count: int | None
    #: 0 is one thread, 1 is any number: see `ScheduledChange`.
    is_single: int | None
    fire_on_skip: int | None
    #: 0 is active, 1 is off.
    state: int | None


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """`OperationState` 0 and `State` 0 or 1: the result is there."""

    result: T = field(repr=False)
    #: Lower case; None where there was none.
    operation_id: str | None
    warned: bool
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Queued:
    """`OperationState` 1: it is being worked on."""

    operation_id: str | None
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """`OperationState` 2: it will not be done."""

    answer: bytes = field(repr=False)
    operation_id: str | None = None


@dataclass(frozen=True, slots=True)
class AccessTokenRefused:
    """`State` 2, or HTTP 401: not authenticated, so that nothing was done."""

    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unlike:
    """A well-formed reply that breaks the contract. Never a verdict; `what` quotes nothing."""

    what: str
    answer: bytes = field(repr=False)


Answer = Done[T] | Queued | Failed | AccessTokenRefused | Unlike
