"""What a person or the marketplace does to an operation by hand: always audited, never twice.

Every action names the attempt that it is meant for. Where another attempt is current, the message
is an old one come again: it is recorded and changes nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, insert, select, update

from worker.events.model import EventType
from worker.events.telling import Standing, tell
from worker.operations.identifiers import new_id
from worker.operations.model import ATTEMPTS, OPERATIONS, OUTBOX
from worker.operations.states import RETRYABLE, SUPERSEDED, State
from worker.operations.store import journal
from worker.operations.store.claims import URGENT


class Done(StrEnum):
    """What became of an action."""

    DONE = "done"
    #: Meant for another attempt: recorded, nothing changed.
    IGNORED = "ignored"
    UNKNOWN_REFERENCE = "unknown_reference"
    #: The operation's state does not allow it.
    WRONG_STATE = "wrong_state"
    #: The data of the last attempt were erased: a next one needs them anew.
    DATA_ERASED = "data_erased"


@dataclass(frozen=True, slots=True)
class Action:
    """Who acts on which attempt, and why."""

    reference: str
    attempt: int
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Correction:
    """Data for a next attempt."""

    args: Mapping[str, Any]
    fingerprint: str
    sealed: str | None = field(repr=False)


#: An action that came again is always the same: an attempt that was retried is no longer current.
_RETRY: Final = "retry"


@dataclass(frozen=True, slots=True)
class Known:
    """What an action has to know of an operation before it can be checked."""

    provider: str
    kind: str
    args: Mapping[str, Any]


def look(connection: Connection, reference: str) -> Known | None:
    """Return what does not change of an operation; None where no operation has the reference."""
    row = connection.execute(
        select(OPERATIONS.c.provider, OPERATIONS.c.kind, OPERATIONS.c.args).where(
            OPERATIONS.c.reference == reference
        )
    ).first()
    return None if row is None else Known(row.provider, row.kind, json.loads(row.args))


def find(connection: Connection, reference: str) -> RowMapping | None:
    """Return an operation's row, locked for the transaction."""
    return (
        connection.execute(
            select(OPERATIONS).where(OPERATIONS.c.reference == reference).with_for_update()
        )
        .mappings()
        .first()
    )


def retry(
    connection: Connection,
    action: Action,
    correction: Correction | None,
    give_up_at: datetime,
    now: datetime,
) -> tuple[Done, State | None]:
    """Start the next attempt, with corrected data or with what the last one had."""
    row = find(connection, action.reference)
    if row is None:
        return Done.UNKNOWN_REFERENCE, None
    state = State(row["state"])
    if row["attempt"] != action.attempt:
        note = f"{_RETRY} of attempt {action.attempt} ignored: attempt {row['attempt']} is current"
        entry = journal.ignored(row["id"], row["attempt"], note, now, action.by)
        journal.write(connection, [entry])
        return Done.IGNORED, state
    if state not in RETRYABLE:
        return Done.WRONG_STATE, state
    if correction is None and _erased(connection, row):
        return Done.DATA_ERASED, state
    number = row["attempt"] + 1
    if state is State.WAITING_FOR_PERSON:
        _supersede(connection, row, now)
    _next_attempt(connection, row, correction, number, now)
    connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id == row["id"])
        .values(
            state=State.ACCEPTED.value,
            attempt=number,
            args=row["args"] if correction is None else json.dumps(dict(correction.args)),
            provider_ref=None,
            lane=URGENT,
            due_at=now,
            deadline_at=give_up_at,
            lease_token=None,
            lease_owner=None,
            claims=0,
            polls=0,
            faults=0,
            progress=None,
            waiting_from=None,
            started_at=None,
            finished_at=None,
            sequence=OPERATIONS.c.sequence + 1,
            run_note=None,
            run_first_at=None,
            run_last_at=None,
            run_count=0,
            run_slowest=0,
        )
    )
    standing = Standing(
        operation_id=row["id"],
        reference=row["reference"],
        provider=row["provider"],
        kind=row["kind"],
        attempt=number,
        state=State.ACCEPTED,
    )
    event = tell(EventType.ACCEPTED, standing, row["sequence"] + 1, now, new_id())
    connection.execute(insert(OUTBOX), [event.row()])
    said = f"{_RETRY}: attempt {number}" + (" with corrected data" if correction else "")
    journal.write(
        connection,
        [
            journal.person(row["id"], number, said, now, action.by, action.note),
            journal.move(row["id"], number, f"{state} → {State.ACCEPTED}", now),
        ],
    )
    return Done.DONE, State.ACCEPTED


def _erased(connection: Connection, row: RowMapping) -> bool:
    return (
        connection.execute(
            select(ATTEMPTS.c.erased_at).where(
                ATTEMPTS.c.operation_id == row["id"], ATTEMPTS.c.number == row["attempt"]
            )
        ).scalar()
        is not None
    )


def _supersede(connection: Connection, row: RowMapping, now: datetime) -> None:
    connection.execute(
        update(ATTEMPTS)
        .where(ATTEMPTS.c.operation_id == row["id"], ATTEMPTS.c.number == row["attempt"])
        .values(ended_as=SUPERSEDED, finished_at=now)
    )


def _next_attempt(
    connection: Connection,
    row: RowMapping,
    correction: Correction | None,
    number: int,
    now: datetime,
) -> None:
    if correction is None:
        last = connection.execute(
            select(ATTEMPTS.c.fingerprint, ATTEMPTS.c.sealed).where(
                ATTEMPTS.c.operation_id == row["id"], ATTEMPTS.c.number == row["attempt"]
            )
        ).one()
        fingerprint, sealed = last.fingerprint, last.sealed
    else:
        fingerprint, sealed = correction.fingerprint, correction.sealed
    connection.execute(
        insert(ATTEMPTS).values(
            operation_id=row["id"],
            number=number,
            fingerprint=fingerprint,
            sealed=sealed,
            accepted_at=now,
        )
    )
