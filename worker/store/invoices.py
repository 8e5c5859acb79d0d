"""Invoices: a payment registry as it was fetched, every invoice once and in its newest version."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any, Final

from sqlalchemy import Connection, and_, func, select, text

from worker.domain.invoices import SealedInvoice, SealedTransaction, newest
from worker.store import journal
from worker.store.bulk import Bulk, columns_of
from worker.store.dialects import is_sqlite
from worker.store.invoice_tables import INVOICE_FETCHES, INVOICES, TRANSACTIONS
from worker.store.journal import Act, Deed

#: Rounds nothing, however long or unlike the numbers are.
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)

#: Of PostgreSQL's locks that belong to the application: the writer of invoices holds this one.
_WRITERS_LOCK: Final = 7_204_190_012


def _fields(row: type[SealedInvoice | SealedTransaction]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(row) if each.name != "transactions")


_INVOICE: Final = columns_of(INVOICES, *_fields(SealedInvoice), "fetched_at")
_TRANSACTION: Final = columns_of(TRANSACTIONS, *_fields(SealedTransaction))


def _upsert(table: str, columns: Mapping[str, str], known: str) -> Bulk:
    names = ", ".join(columns)
    # WHERE TRUE: or SQLite takes the ON of ON CONFLICT for a join's.
    return Bulk(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {{rows}} WHERE TRUE ORDER BY id "  # noqa: S608 - constants only
        f"ON CONFLICT (id) {known}",
        columns,
    )


def _all_of(columns: Iterable[str]) -> str:
    taken = ", ".join(f"{name} = excluded.{name}" for name in columns if name != "id")
    return f"DO UPDATE SET {taken}"


_INVOICES: Final = _upsert(
    "invoice",
    _INVOICE,
    f"{_all_of(_INVOICE)} WHERE excluded.changed_at IS NOT NULL AND "
    "(invoice.changed_at IS NULL OR invoice.changed_at < excluded.changed_at) RETURNING id",
)
_TRANSACTIONS: Final = _upsert("invoice_transaction", _TRANSACTION, _all_of(_TRANSACTION))
#: A registry that was first fetched without transactions, or whose personal data were erased
#: meanwhile, is completed by the same version with them.
_MISSING_TRANSACTIONS: Final = _upsert(
    "invoice_transaction",
    _TRANSACTION,
    "DO UPDATE SET sealed = excluded.sealed "
    "WHERE invoice_transaction.sealed IS NULL AND excluded.sealed IS NOT NULL",
)

_SAME: Final = "(i.changed_at = v.changed_at OR (i.changed_at IS NULL AND v.changed_at IS NULL))"
_VERSION: Final = columns_of(INVOICES, "id", "changed_at", "sealed", "fetched_at")
_SEEN: Final = Bulk(
    f"""
    UPDATE invoice AS i SET fetched_at = v.fetched_at,
        sealed = CASE WHEN {_SAME} THEN COALESCE(i.sealed, v.sealed) ELSE i.sealed END
    FROM {{rows}} WHERE i.id = v.id
    """,  # noqa: S608 - constants only
    _VERSION,
)
_EQUAL: Final = Bulk(
    f"SELECT i.id FROM invoice AS i JOIN {{rows}} ON i.id = v.id WHERE {_SAME}",  # noqa: S608 - constants only
    _VERSION,
)
_LINKS: Final = Bulk(
    "INSERT INTO invoice_fetch (operation_id, attempt, invoice_id) "
    "SELECT CAST(:operation_id AS varchar(36)), CAST(:attempt AS integer), id FROM {rows} "
    "WHERE TRUE ON CONFLICT DO NOTHING",
    columns_of(INVOICES, "id"),
)


def upsert(
    connection: Connection,
    operation_id: str,
    attempt: int,
    invoices: Sequence[SealedInvoice],
    now: datetime,
) -> None:
    """Store what an attempt fetched: the newest version counts, whichever comes first.

    A version that is not newer changes nothing; but it was seen now, which is what its retention
    counts from, and the same version brings back what was never stored or was erased of it.
    """
    if not invoices:
        return
    if not is_sqlite(connection):
        # One order of ids would do for one page; a transaction may store several.
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})"))
    # Each once: PostgreSQL refuses to touch a row twice in one statement.
    found = newest(invoices)
    written = set(
        _INVOICES.execute(connection, (_invoice_row(each, now) for each in found)).scalars()
    )
    _store_transactions(connection, _TRANSACTIONS, [i for i in found if i.id in written])
    _see_again(connection, [i for i in found if i.id not in written], now)
    links = ({"id": each.id} for each in found)
    _LINKS.execute(connection, links, operation_id=operation_id, attempt=attempt)


def tally(connection: Connection, operation_id: str, attempt: int) -> dict[str, Any]:
    """Return what an attempt fetched, in counts and exact sums of the invoices' amounts.

    `{"invoices": n, "transactions": m, "by_state": {state: {"count": n, "sums": {currency:
    "123.4500"}}}}`, states and currencies sorted. Currencies are never added to each other: TST is
    no money.
    """
    fetched = and_(
        INVOICE_FETCHES.c.operation_id == operation_id, INVOICE_FETCHES.c.attempt == attempt
    )
    of_invoice = INVOICE_FETCHES.c.invoice_id == TRANSACTIONS.c.invoice_id
    transactions = connection.execute(
        select(func.count()).select_from(INVOICE_FETCHES).join(TRANSACTIONS, of_invoice)
        .where(fetched)
    ).scalar_one()  # fmt: skip
    # Like amounts are counted by the database, which adds nothing up: SQLite only has floats.
    like = (INVOICES.c.state, INVOICES.c.currency, INVOICES.c.amount)
    by_state = _by_state(
        connection.execute(
            select(*like, func.count())
            .join(INVOICE_FETCHES, INVOICE_FETCHES.c.invoice_id == INVOICES.c.id)
            .where(fetched)
            .group_by(*like)
        )
    )
    counted = sum(each["count"] for each in by_state.values())
    return {"invoices": counted, "transactions": transactions, "by_state": by_state}


def look_into(
    connection: Connection, chosen: tuple[str, int] | None, by: str, why: str, now: datetime
) -> None:
    """Record that a person opens what is personal of invoices.

    `chosen`: the operation and the attempt whose registry it is; None: every one that was fetched.
    """
    fetches = [chosen] if chosen is not None else _fetches(connection)
    deed = Deed(Act.OPEN_INVOICES, "opened personal data of invoices", by, why)
    journal.write(connection, (journal.person(*each, deed, now) for each in fetches))


def _invoice_row(invoice: SealedInvoice, now: datetime) -> dict[str, Any]:
    row = {name: getattr(invoice, name) for name in _fields(SealedInvoice)}
    return {**row, "fetched_at": now}


def _store_transactions(
    connection: Connection, statement: Bulk, invoices: Sequence[SealedInvoice]
) -> None:
    each_once = {each.id: each for invoice in invoices for each in invoice.transactions}
    if each_once:
        rows = ({name: getattr(each, name) for name in _TRANSACTION} for each in each_once.values())
        statement.execute(connection, rows)


def _see_again(connection: Connection, invoices: Sequence[SealedInvoice], now: datetime) -> None:
    if not invoices:
        return
    versions = [_invoice_row(each, now) for each in invoices]
    _SEEN.execute(connection, versions)
    same = set(_EQUAL.execute(connection, versions).scalars())
    _store_transactions(connection, _MISSING_TRANSACTIONS, [i for i in invoices if i.id in same])


def _by_state(rows: Iterable[tuple[str, str | None, str | None, int]]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    sums: dict[str, dict[str, Decimal]] = {}
    for state, currency, amount, count in rows:
        counts[state] += count
        if currency is None or amount is None:
            continue
        of_state = sums.setdefault(state, {})
        summand = _EXACT.multiply(Decimal(amount), Decimal(count))
        of_state[currency] = _EXACT.add(of_state.get(currency, Decimal(0)), summand)
    return {
        state: {
            "count": counts[state],
            "sums": {
                currency: format(total, "f")
                for currency, total in sorted(sums.get(state, {}).items())
            },
        }
        for state in sorted(counts)
    }


def _fetches(connection: Connection) -> Iterable[tuple[str, int]]:
    links = INVOICE_FETCHES.c
    return connection.execute(
        select(links.operation_id, links.attempt).distinct().order_by(links.operation_id)
    )
