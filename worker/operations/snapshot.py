"""The snapshot of an operation: how its row stood when it was read. The one type of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.operations.states import State


@dataclass(frozen=True, slots=True)
class Run:
    """A run of like calls in the journal that is still growing. Milliseconds."""

    note: str
    first_at: datetime
    last_at: datetime
    count: int
    slowest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An operation and its current attempt. What the fields mean stands at the table's columns.

    Nothing of it is personal.
    """

    id: str
    reference: str
    provider: str
    kind: str
    state: State
    #: From 1.
    attempt: int
    args: Mapping[str, Any]
    created_at: datetime
    provider_ref: str | None = None
    lane: int = 0
    due_at: datetime | None = None
    deadline_at: datetime | None = None
    lease_token: str | None = None
    lease_owner: str | None = None
    #: Claims in a row that were never written back; the one that gave this snapshot included.
    claims: int = 0
    polls: int = 0
    faults: int = 0
    #: The plugin's own memory of this attempt, as JSON text.
    progress: str | None = None
    #: How many events tell of it.
    sequence: int = 0
    waiting_from: State | None = None
    missing: str | None = None
    inputs_sent: int = 0
    input_sent_at: datetime | None = None
    inputs_waiting: int = 0
    #: How many notifications name the attempt.
    notices: int = 0
    wanted_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    run: Run | None = None

    @property
    def is_leased(self) -> bool:
        """Whether a worker holds it, or died holding it."""
        return self.lease_token is not None
