"""Retention of what waits for a person: by the age of its attempt, as it may never end."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.event_data import Details, operation_event
from worker.domain.ids import new_id
from worker.domain.outcomes import Reason
from worker.store import journal, outbox, snapshots, transitions
from worker.store.database import Database
from worker.store.tables import ATTEMPTS, INPUTS, NOTIFICATIONS, OPERATIONS

#: Operations in one transaction, so that a purge does not hold others up.
_AT_ONCE: Final = 200

_CURRENT: Final = and_(
    ATTEMPTS.c.operation_id == OPERATIONS.c.id, ATTEMPTS.c.number == OPERATIONS.c.attempt
)
#: Anything personal is still kept of the operation.
_PERSONAL: Final[ColumnElement[bool]] = or_(
    ATTEMPTS.c.sealed.is_not(None),
    ATTEMPTS.c.answer.is_not(None),
    exists().where(INPUTS.c.operation_id == OPERATIONS.c.id, INPUTS.c.sealed.is_not(None)),
    exists().where(NOTIFICATIONS.c.operation_id == OPERATIONS.c.id),
)


def erase(database: Database, now: datetime, before: datetime) -> int:
    """Erase the data of waiting attempts accepted before a time, with events; return how many.

    They go on waiting, with a reason that says what happened.
    """
    count = 0
    while True:
        with database.begin() as connection:
            found = _chosen(before).add_columns(
                *snapshots.COLUMNS, ATTEMPTS.c.sealed, ATTEMPTS.c.reason
            )
            locked = found.limit(_AT_ONCE).with_for_update(of=OPERATIONS, skip_locked=True)
            rows = connection.execute(locked).all()
            for row in rows:
                _erase(connection, row, now)
        count += len(rows)
        if len(rows) < _AT_ONCE:
            return count


def near(connection: Connection, before: datetime) -> int:
    """Return how many waiting attempts accepted before a time still have data to lose."""
    wanted = _chosen(before).add_columns(func.count())
    return int(connection.execute(wanted).scalar_one())


def _chosen(before: datetime) -> Select[()]:
    return (
        select()
        .select_from(OPERATIONS)
        .join(ATTEMPTS, _CURRENT)
        .where(
            OPERATIONS.c.state == State.WAITING_FOR_PERSON.value,
            ATTEMPTS.c.accepted_at < before,
            _PERSONAL,
        )
    )


def _erase(connection: Connection, row: Row[Any], now: datetime) -> None:
    reason = _reason(row)
    # Noted only where there was a payload: what had none can be submitted as before.
    erased_at = {"erased_at": now} if row.sealed is not None else {}
    connection.execute(
        update(ATTEMPTS)
        .where(ATTEMPTS.c.operation_id == row.id, ATTEMPTS.c.number == row.attempt)
        .values(sealed=None, answer=None, reason=reason.as_text(), **erased_at)
    )
    connection.execute(
        update(INPUTS).where(INPUTS.c.operation_id == row.id).values(sealed=None, fingerprint=None)
    )
    connection.execute(delete(NOTIFICATIONS).where(NOTIFICATIONS.c.operation_id == row.id))
    found = snapshots.snapshot(row)
    stands = replace(found, sequence=found.sequence + 1, inputs_waiting=0, notifications=0)
    transitions.adjust(connection, found, stands)
    erased = journal.erased(row.id, row.attempt, reason.code, now)
    journal.write(connection, [erased])
    kind = EventType.WAITING_FOR_PERSON
    outbox.add(connection, operation_event(kind, stands, Details(reason), now, new_id()))


def _reason(row: Row[Any]) -> Reason:
    waited = json.loads(row.reason or "{}").get("code")
    message = "It waited for a person until its data had to be erased"
    return Reason(
        ReasonCode.ERASED,
        f"{message}; it waited because of {waited}." if waited else f"{message}.",
        retryable=True,
    )
