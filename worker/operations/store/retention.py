"""Retention: what is past its time is erased, payloads first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Delete, Update, delete, select, tuple_, update

from worker.operations.database import Database
from worker.operations.model import ATTEMPTS, JOURNAL, OPERATIONS, OUTBOX, REFUSALS
from worker.operations.states import TERMINAL

#: Rows erased in one transaction, so that a purge holds nobody up.
_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept."""

    payloads: timedelta
    journal: timedelta
    events: timedelta


def purge(database: Database, retention: Retention) -> dict[str, int]:
    """Erase what is past its retention; return how many rows of what."""
    now = database.now()
    old = select(OPERATIONS.c.id).where(OPERATIONS.c.state.in_([s.value for s in TERMINAL]))
    return {
        "payloads": _payloads(database, now, now - retention.payloads),
        "journal": _in_batches(
            database,
            delete(JOURNAL).where(
                JOURNAL.c.id.in_(
                    select(JOURNAL.c.id)
                    .where(
                        JOURNAL.c.last_at < now - retention.journal, JOURNAL.c.operation_id.in_(old)
                    )
                    .limit(_AT_ONCE)
                )
            ),
        ),
        "events": _in_batches(
            database,
            delete(OUTBOX).where(
                OUTBOX.c.seq.in_(
                    select(OUTBOX.c.seq)
                    .where(OUTBOX.c.time < now - retention.events, OUTBOX.c.stream_id.is_not(None))
                    .limit(_AT_ONCE)
                )
            ),
        ),
        "refusals": _refusals(database, now - retention.journal),
    }


def _payloads(database: Database, now: datetime, before: datetime) -> int:
    chosen = (
        select(ATTEMPTS.c.operation_id, ATTEMPTS.c.number)
        .where(ATTEMPTS.c.finished_at < before, ATTEMPTS.c.erased_at.is_(None))
        .limit(_AT_ONCE)
    )
    return _in_batches(
        database,
        update(ATTEMPTS)
        .where(tuple_(ATTEMPTS.c.operation_id, ATTEMPTS.c.number).in_(chosen))
        .values(sealed=None, answer=None, erased_at=now),
    )


def _refusals(database: Database, before: datetime) -> int:
    chosen = select(REFUSALS.c.message_id).where(REFUSALS.c.at < before).limit(_AT_ONCE)
    return _in_batches(database, delete(REFUSALS).where(REFUSALS.c.message_id.in_(chosen)))


def _in_batches(database: Database, statement: Delete | Update) -> int:
    count = 0
    while True:
        with database.begin() as connection:
            erased = _run(connection, statement)
        count += erased
        if erased < _AT_ONCE:
            return count


def _run(connection: Connection, statement: Delete | Update) -> int:
    return connection.execute(statement).rowcount
