"""Retention: what is past its time is erased, payloads first."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Delete, Update, and_, delete, or_, select, tuple_, update

from uprid_client.contract.states import TERMINAL
from worker.store import invoice_retention, waiting_retention
from worker.store.database import Database
from worker.store.tables import (
    ATTEMPTS,
    INPUTS,
    JOURNAL,
    NOTIFICATIONS,
    OPERATIONS,
    OUTBOX,
    REFUSALS,
)

#: Rows erased in one transaction, so that a purge does not hold others up.
_AT_ONCE: Final = 1000

#: How long a notification is kept that matches no operation.
UNMATCHED_KEPT: Final = timedelta(hours=48)


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
        "payloads": _payloads_and_answers(database, now, now - retention.payloads)
        + waiting_retention.erase(database, now, now - retention.payloads),
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
        "inputs": _inputs(database, now - retention.journal),
        "notices": _notifications(database, now - UNMATCHED_KEPT, now - retention.payloads),
        "invoices": invoice_retention.erase_personal(database, now - retention.payloads)
        + invoice_retention.delete_old(database, now - retention.journal),
    }


def _payloads_and_answers(database: Database, now: datetime, before: datetime) -> int:
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


def _inputs(database: Database, before: datetime) -> int:
    """Empty the inputs of attempts that have ended, and delete the old ones."""
    ended = (
        select(INPUTS.c.id)
        .join(
            ATTEMPTS,
            and_(
                ATTEMPTS.c.operation_id == INPUTS.c.operation_id,
                ATTEMPTS.c.number == INPUTS.c.attempt,
            ),
        )
        .where(ATTEMPTS.c.ended_as.is_not(None))
        .limit(_AT_ONCE)
    )
    full = or_(INPUTS.c.sealed.is_not(None), INPUTS.c.fingerprint.is_not(None))
    emptied = update(INPUTS).where(INPUTS.c.id.in_(ended.where(full)))
    deleted = delete(INPUTS).where(INPUTS.c.id.in_(ended.where(INPUTS.c.at < before)))
    # The end of an attempt empties them as well; this is for a code that came at that very moment.
    return _in_batches(database, deleted) + _in_batches(
        database, emptied.values(sealed=None, fingerprint=None)
    )


def _notifications(database: Database, unmatched_before: datetime, before: datetime) -> int:
    key = (NOTIFICATIONS.c.provider, NOTIFICATIONS.c.key)
    unmatched = (NOTIFICATIONS.c.operation_id.is_(None), NOTIFICATIONS.c.at < unmatched_before)
    # The later of both times: one that came late is kept as long as any other.
    of_ended = (
        and_(
            ATTEMPTS.c.operation_id == NOTIFICATIONS.c.operation_id,
            ATTEMPTS.c.number == NOTIFICATIONS.c.attempt,
        ),
        ATTEMPTS.c.finished_at < before,
        NOTIFICATIONS.c.at < before,
    )
    return sum(
        _in_batches(
            database,
            delete(NOTIFICATIONS).where(
                tuple_(*key).in_(select(*key).where(*chosen).limit(_AT_ONCE))
            ),
        )
        for chosen in (unmatched, of_ended)
    )


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
