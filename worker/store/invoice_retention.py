"""Retention of invoices, counted from when each was last fetched."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, exists, or_, select, update

from worker.store.database import Database
from worker.store.invoice_tables import INVOICE_FETCHES, INVOICES, TRANSACTIONS

#: Invoices in one transaction, so that a purge does not hold others up.
_AT_ONCE: Final = 1000

_OF_INVOICE: Final = TRANSACTIONS.c.invoice_id == INVOICES.c.id
_PERSONAL: Final = or_(
    INVOICES.c.sealed.is_not(None),
    exists().where(_OF_INVOICE, TRANSACTIONS.c.sealed.is_not(None)),
)


def erase_personal(database: Database, before: datetime) -> int:
    """Erase what is personal of invoices fetched before a time; return of how many."""
    return _in_batches(database, (INVOICES.c.fetched_at < before) & _PERSONAL, _erase)


def delete_old(database: Database, before: datetime) -> int:
    """Delete invoices fetched before a time with all that belongs to them; return how many."""
    return _in_batches(database, INVOICES.c.fetched_at < before, _delete)


def _in_batches(
    database: Database,
    chosen: ColumnElement[bool],
    work: Callable[[Connection, Sequence[int]], None],
) -> int:
    count = 0
    while True:
        with database.begin() as connection:
            # Locked first, and never waited for: a process that stores invoices locks many as well,
            # and in an order of its own.
            ids = (
                connection.execute(
                    select(INVOICES.c.id)
                    .where(chosen)
                    .limit(_AT_ONCE)
                    .with_for_update(of=INVOICES, skip_locked=True)
                )
                .scalars()
                .all()
            )
            work(connection, ids)
        count += len(ids)
        if len(ids) < _AT_ONCE:
            return count


def _erase(connection: Connection, ids: Sequence[int]) -> None:
    for table, key in ((INVOICES, INVOICES.c.id), (TRANSACTIONS, TRANSACTIONS.c.invoice_id)):
        connection.execute(update(table).where(key.in_(ids)).values(sealed=None))


def _delete(connection: Connection, ids: Sequence[int]) -> None:
    for table, key in (
        (TRANSACTIONS, TRANSACTIONS.c.invoice_id),
        (INVOICE_FETCHES, INVOICE_FETCHES.c.invoice_id),
        (INVOICES, INVOICES.c.id),
    ):
        connection.execute(delete(table).where(key.in_(ids)))
