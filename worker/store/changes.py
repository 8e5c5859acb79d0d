"""Changes: what a chunk's answers make of its operations, ready to be written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from uprid_client.contract.events import EventType
from uprid_client.contract.states import State
from worker.domain.event_data import Details
from worker.domain.invoices import SealedInvoice
from worker.domain.outcomes import Reason, Wanted
from worker.domain.snapshot import Run, Snapshot
from worker.store.claims import ClaimedSnapshot


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The operation was asked about once more and stays in its state."""

    snapshot: ClaimedSnapshot
    due_at: datetime
    polls: int
    consecutive_failures: int
    progress: str | None
    run: Run
    #: The run that this answer ended, to be written out.
    closed: Run | None
    #: Invoices to be stored with it, sealed.
    records: Sequence[SealedInvoice] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Transition:
    """The operation goes to another state, or has an event."""

    snapshot: ClaimedSnapshot
    state: State
    #: What the call that led here answered; None where no call did.
    call: Run | None
    lane: int
    due_at: datetime | None
    deadline_at: datetime | None
    provider_ref: str | None
    polls: int
    consecutive_failures: int
    progress: str | None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reason: Reason | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    #: The provider's answer, sealed.
    answer: str | None = field(default=None, repr=False)
    #: What the provider waits for from now on.
    missing: str | None = None
    #: What its event says of that.
    wants: Wanted | None = None
    #: The input was certainly not sent: it waits again, as if it never had been taken.
    input_returned: bool = False
    #: Notifications that name the provider's id may have come before it was known.
    accepts_notifications: bool = False
    #: Invoices to be stored with it, sealed.
    records: Sequence[SealedInvoice] = field(default=(), repr=False)
    #: `result` is completed by counts and sums of all that the attempt stored.
    with_totals: bool = False
    #: An end that is not written where a notification came while the question was asked: the
    #: same question is asked again, with the notification.
    yields_to_notification: bool = False
    #: Its events. Ids are drawn here, so that a repeated write can be known from a lost lease.
    events: tuple[tuple[EventType, str], ...] = ()

    @property
    def details(self) -> Details:
        """What its events say beside how the operation stands."""
        return Details(self.reason, self.result, self.answer, self.wants)

    def after(self, sequence: int) -> Snapshot:
        """Return how the operation stands once this is written, as its event `sequence` says."""
        return replace(
            self.snapshot,
            state=self.state,
            provider_ref=self.provider_ref,
            started_at=self.started_at or self.snapshot.started_at,
            finished_at=self.finished_at,
            polls=self.polls,
            sequence=sequence,
        )
