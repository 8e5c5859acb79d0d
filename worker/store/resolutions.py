"""A person's decisions over an operation: resume, resolve, cancel."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select

from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.event_data import Details
from worker.domain.events import END_EVENTS
from worker.domain.outcomes import Reason
from worker.domain.snapshot import Snapshot
from worker.domain.states import LIVE
from worker.store import inputs, journal, notifications, transitions
from worker.store.actions import Action, Anew, CarryOver, Done, admit, kept
from worker.store.claims import ORDINARY, URGENT
from worker.store.journal import Act, Deed
from worker.store.tables import ATTEMPTS, OPERATIONS
from worker.store.transitions import Record

_WAITING: Final = frozenset({State.WAITING_FOR_PERSON})
#: An attempt that never got as far as being polled.
_UNSENT: Final = frozenset({State.ACCEPTED, State.SUBMITTING})
#: The verdict comes from a person, not from the provider's answer.
_BY_PERSON: Final[Mapping[str, Any]] = {"verified_by": "person"}


def no_time(_submitted: bool) -> None:  # noqa: FBT001 - as `Anew` has it
    """Return no extra time, so that every deadline stays."""


def resume(
    connection: Connection,
    action: Action,
    provider_ref: str | None,
    carry_over: CarryOver,
    now: datetime,
    anew: Anew = no_time,
) -> tuple[Done, State | None]:
    """Let the same attempt go on where it was; with the provider's id, as one that was taken.

    What has passed its deadline meanwhile is settled at once, or has the time that it gets `anew`.
    """
    note = "resume" if provider_ref is None else f"resume: provider's id {provider_ref}"
    deed = Deed(Act.RESUME, note, action.by, action.note, provider_ref)
    admitted = admit(connection, Act.RESUME, action, _WAITING, now, deed)
    found = admitted.found
    if admitted.done is not Done.DONE or found is None:
        return admitted.done, admitted.state
    if provider_ref is not None and _is_anothers(connection, found, provider_ref):
        return Done.ANOTHERS_REF, admitted.state
    # Where it is not known any more, the harmless question comes before another submit.
    to = found.waiting_from or State.SUBMITTING
    taken = provider_ref is not None and to in _UNSENT
    if taken:
        to = State.POLLING
    if to is State.ACCEPTED and _is_erased(connection, found):
        return Done.DATA_ERASED, admitted.state
    deadline_at = _deadline_anew(found, to, now, anew)
    if deadline_at != found.deadline_at and to is State.SETTLING:
        to = State.POLLING
    known_ref = provider_ref or found.provider_ref
    started_at = found.started_at or (now if taken else None)
    goes_on = replace(
        _freed(found),
        state=to,
        due_at=now,
        deadline_at=deadline_at,
        lane=URGENT if to in _UNSENT else ORDINARY,
        # Its counts from before the wait no longer matter.
        consecutive_failures=0,
        progress=kept(found, carry_over),
        provider_ref=known_ref,
        started_at=started_at,
    )
    record = Record(
        attempt={"reason": None, "provider_ref": known_ref, "started_at": started_at},
        cause=journal.person(found.id, found.attempt, deed, now),
        event=EventType.STARTED if taken and found.started_at is None else None,
    )
    transitions.make(connection, found, goes_on, record, now)
    if provider_ref is not None:
        # Notifications that named this id before it was stored.
        notifications.attach(connection, found.id, now)
    return Done.DONE, to


def resolve(
    connection: Connection, action: Action, verdict: State, now: datetime
) -> tuple[Done, State | None]:
    """Write down the verdict that a person found out."""
    deed = Deed(Act.RESOLVE, f"resolve: {verdict}", action.by, action.note, verdict.value)
    admitted = admit(connection, Act.RESOLVE, action, _WAITING, now, deed)
    if admitted.done is not Done.DONE or admitted.found is None:
        return admitted.done, admitted.state
    _end(connection, admitted.found, verdict, deed, _BY_PERSON, now)
    return Done.DONE, verdict


def cancel(connection: Connection, action: Action, now: datetime) -> tuple[Done, State | None]:
    """Cancel an operation. The provider goes on with what it has begun."""
    deed = Deed(Act.CANCEL, "cancel", action.by, action.note)
    admitted = admit(connection, Act.CANCEL, action, LIVE, now, deed)
    if admitted.done is not Done.DONE or admitted.found is None:
        return admitted.done, admitted.state
    _end(connection, admitted.found, State.CANCELLED, deed, {}, now)
    return Done.DONE, State.CANCELLED


def _deadline_anew(found: Snapshot, to: State, now: datetime, anew: Anew) -> datetime | None:
    """Return the deadline of an attempt that goes on, a new one past its old one if it gets one."""
    if found.deadline_at is None or now < found.deadline_at:
        return found.deadline_at
    lasting = anew(to is not State.ACCEPTED)
    return found.deadline_at if lasting is None else now + lasting


def _is_erased(connection: Connection, found: Snapshot) -> bool:
    """Return whether the data of the current attempt were erased: it has nothing to submit."""
    erased_at = select(ATTEMPTS.c.erased_at).where(
        ATTEMPTS.c.operation_id == found.id, ATTEMPTS.c.number == found.attempt
    )
    return connection.execute(erased_at).scalar_one() is not None


def _is_anothers(connection: Connection, found: Snapshot, provider_ref: str) -> bool:
    """Return whether another operation has this id: its answer would be another person's."""
    other = connection.execute(
        select(OPERATIONS.c.id).where(
            OPERATIONS.c.provider_ref == provider_ref,
            OPERATIONS.c.provider == found.provider,
            OPERATIONS.c.id != found.id,
        )
    )
    return other.first() is not None


def _freed(found: Snapshot) -> Snapshot:
    """Return the operation without its lease: an answer on its way comes too late."""
    return replace(found, lease_id=None, lease_owner=None, claims=0, waiting_from=None, run=None)


def _end(
    connection: Connection,
    found: Snapshot,
    to: State,
    deed: Deed,
    result: Mapping[str, Any],
    now: datetime,
) -> None:
    reason = None
    if to is not State.SUCCEEDED:
        # The marketplace may cancel as well as an on-call engineer: only `by` shows who did.
        decided = "was called off" if to is State.CANCELLED else f"was ended as {to.value}"
        message = f"It {decided} by {deed.by}: `uprid show` says why."
        reason = Reason(ReasonCode.BY_PERSON, message, retryable=to is not State.CANCELLED)
    attempt = {
        "ended_as": to.value,
        "finished_at": now,
        "reason": None if reason is None else reason.as_text(),
        "result": json.dumps(dict(result)),
    }
    ended = replace(_freed(found), state=to, due_at=None, finished_at=now, missing=None)
    inputs.forget(connection, found.id)
    cause = journal.person(found.id, found.attempt, deed, now)
    record = Record(attempt, cause, END_EVENTS[to], Details(reason, result))
    transitions.make(connection, found, ended, record, now)
