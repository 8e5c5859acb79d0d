"""A retry: the next attempt of an operation that ended, or that waits for a person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import TERMINAL, State
from worker.domain.event_data import Details
from worker.domain.outcomes import Reason
from worker.domain.snapshot import Snapshot
from worker.domain.states import RETRYABLE, SUPERSEDED
from worker.store import inputs, journal, model_rows, transitions
from worker.store.actions import Action, CarryOver, Done, admit, kept
from worker.store.claims import URGENT
from worker.store.journal import Act, Deed
from worker.store.tables import ATTEMPTS, Attempt
from worker.store.transitions import Record


@dataclass(frozen=True, slots=True)
class Correction:
    """Data for a next attempt."""

    args: Mapping[str, Any]
    fingerprint: str
    sealed: str | None = field(repr=False)
    #: Keyed hash of whom the provider's notifications speak.
    subject_hash: str | None = None


def retry(
    connection: Connection,
    action: Action,
    correction: Correction | None,
    give_up_at: datetime,
    carry_over: CarryOver,
    now: datetime,
    bare: str | None = None,
) -> tuple[Done, State | None]:
    """Start the next attempt, with corrected data or with what the last one had.

    After an end that is not retryable, the `accepted` event carries that end's reason.

    `bare`: the fingerprint of an attempt that has nothing sealed, of which nothing can be erased.
    """
    admitted = admit(connection, Act.RETRY, action, RETRYABLE, now)
    found = admitted.found
    if admitted.done is not Done.DONE or found is None:
        return admitted.done, admitted.state
    if correction is None and _erased(connection, found, bare):
        return Done.DATA_ERASED, found.state
    number = found.attempt + 1
    if found.state is State.WAITING_FOR_PERSON:
        _supersede(connection, found, now)
    inputs.forget(connection, found.id)
    _next_attempt(connection, found, correction, number, now)
    begun = Snapshot(
        id=found.id,
        reference=found.reference,
        provider=found.provider,
        kind=found.kind,
        state=State.ACCEPTED,
        attempt=number,
        args=found.args if correction is None else correction.args,
        created_at=found.created_at,
        lane=URGENT,
        due_at=now,
        deadline_at=give_up_at,
        progress=kept(found, carry_over),
        sequence=found.sequence,
    )
    note = f"retry: attempt {number}" + (" with corrected data" if correction else "")
    deed = Deed(Act.RETRY, note, action.by, action.note)
    record = Record(
        cause=journal.person(found.id, number, deed, now),
        event=EventType.ACCEPTED,
        details=Details(_against(connection, found, action)),
    )
    transitions.make(connection, found, begun, record, now)
    return Done.DONE, State.ACCEPTED


def _against(connection: Connection, found: Snapshot, action: Action) -> Reason | None:
    """Return the reason against a next attempt; None where the last end gives none."""
    if found.state not in TERMINAL:
        # A waiting operation is retried because a person has looked at it.
        return None
    written = connection.execute(
        select(ATTEMPTS.c.reason).where(
            ATTEMPTS.c.operation_id == found.id, ATTEMPTS.c.number == found.attempt
        )
    ).scalar_one()
    last = json.loads(written or "{}")
    if last.get("retryable", True):
        return None
    ended = f"Attempt {found.attempt} ended as {found.state.value}, not to be retried"
    return Reason(
        ReasonCode(last["code"]),
        f"{ended}: {action.by} asked for a next one all the same.",
        last.get("provider_code"),
        retryable=False,
    )


def _erased(connection: Connection, found: Snapshot, bare: str | None) -> bool:
    last = connection.execute(
        select(ATTEMPTS.c.erased_at, ATTEMPTS.c.fingerprint).where(
            ATTEMPTS.c.operation_id == found.id, ATTEMPTS.c.number == found.attempt
        )
    ).one()
    return last.erased_at is not None and last.fingerprint != bare


def _supersede(connection: Connection, found: Snapshot, now: datetime) -> None:
    connection.execute(
        update(ATTEMPTS)
        .where(ATTEMPTS.c.operation_id == found.id, ATTEMPTS.c.number == found.attempt)
        .values(ended_as=SUPERSEDED, finished_at=now)
    )


def _next_attempt(
    connection: Connection,
    found: Snapshot,
    correction: Correction | None,
    number: int,
    now: datetime,
) -> None:
    if correction is None:
        last = connection.execute(
            select(ATTEMPTS.c.fingerprint, ATTEMPTS.c.sealed, ATTEMPTS.c.party).where(
                ATTEMPTS.c.operation_id == found.id, ATTEMPTS.c.number == found.attempt
            )
        ).one()
        fingerprint, sealed, subject_hash = last.fingerprint, last.sealed, last.party
    else:
        fingerprint, sealed = correction.fingerprint, correction.sealed
        subject_hash = correction.subject_hash
    attempt = Attempt(
        operation_id=found.id,
        number=number,
        fingerprint=fingerprint,
        sealed=sealed,
        subject_hash=subject_hash,
        accepted_at=now,
    )
    model_rows.add(connection, attempt)
