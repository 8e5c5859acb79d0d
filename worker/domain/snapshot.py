"""The snapshot of an operation: how its row stood when it was read. The one type of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from uprid_client.contract.states import State


@dataclass(frozen=True, slots=True)
class Run:
    """A run of like calls in the journal that is still growing. Milliseconds."""

    note: str
    first_at: datetime
    last_at: datetime
    count: int
    slowest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentAttempt:
    """What the engine and a provider's plugin both see of an operation and its current attempt.

    Nothing of it is personal.
    """

    id: str
    reference: str
    kind: str
    state: State
    #: From 1.
    attempt: int
    #: What was enqueued in clear, validated: ids and flags.
    args: Mapping[str, Any]
    provider_ref: str | None = None
    deadline_at: datetime | None = None
    #: Status requests sent.
    polls: int = 0
    #: Requests in a row that met trouble.
    consecutive_failures: int = 0
    #: What the provider waits for, such as `sms_code`; None: for nothing.
    missing: str | None = None
    #: Inputs that were sent, the one that is being sent and doubtful ones included.
    inputs_sent: int = 0
    #: When the last one was about to be sent.
    input_sent_at: datetime | None = None
    #: Inputs that have come and were not sent yet.
    inputs_waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(CurrentAttempt):
    """An operation as its row has it. What the fields mean stands at the table's columns."""

    provider: str
    created_at: datetime
    lane: int = 0
    due_at: datetime | None = None
    lease_id: str | None = None
    lease_owner: str | None = None
    #: Claims in a row that were never written back; the one that gave this snapshot included.
    claims: int = 0
    #: The plugin's own memory of this attempt, as JSON text.
    progress: str | None = None
    #: How many events it has had.
    sequence: int = 0
    waiting_from: State | None = None
    #: How many notifications name the attempt.
    notifications: int = 0
    #: An earlier poll was asked for, at this time, while it was leased.
    hurried_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    run: Run | None = None

    @property
    def is_leased(self) -> bool:
        """Whether a worker holds it, or died holding it."""
        return self.lease_id is not None
