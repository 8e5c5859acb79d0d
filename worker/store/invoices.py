"""Invoices: a payment registry as it was fetched, every invoice once and in its newest version."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, and_, func, select, text

from worker.domain.invoices import SealedInvoice, SealedTransaction, newest
from worker.store import journal
from worker.store.bulk import Bulk, Column
from worker.store.invoice_tables import INVOICE_FETCHES, INVOICES, TRANSACTIONS

#: Rounds nothing, however long or unlike the numbers are.
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)

#: Of PostgreSQL's locks that belong to the application: whoever writes invoices holds this one.
_WRITERS_LOCK: Final = 7_204_190_012

_TYPES: Final = {"id": "bigint", "invoice_id": "bigint", "number": "bigint", "eshop_id": "bigint"}


def _columns(row: type[SealedInvoice | SealedTransaction]) -> tuple[Column, ...]:
    names = [each.name for each in fields(row) if each.name != "transactions"]
    return tuple(
        Column(name, "timestamptz" if name.endswith("_at") else _TYPES.get(name, "text"))
        for name in names
    )


_INVOICE: Final = _columns(SealedInvoice)
_TRANSACTION: Final = _columns(SealedTransaction)
_FETCHED_AT: Final = Column("fetched_at", "timestamptz")

#: The values of a row, in the order of its columns.
_invoice_row: Callable[[SealedInvoice], tuple[Any, ...]] = attrgetter(*(c.name for c in _INVOICE))
_transaction_row: Callable[[SealedTransaction], tuple[Any, ...]] = attrgetter(
    *(c.name for c in _TRANSACTION)
)


def _upsert(table: str, columns: Sequence[Column], known: str) -> Bulk:
    names = ", ".join(column.name for column in columns)
    # WHERE TRUE: or SQLite takes the ON of ON CONFLICT for a join's.
    return Bulk(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {{rows}} WHERE TRUE ORDER BY id "  # noqa: S608 - constants only
        f"ON CONFLICT (id) {known}",
        columns,
    )


def _all_of(columns: Sequence[Column]) -> str:
    taken = ", ".join(f"{c.name} = excluded.{c.name}" for c in columns if c.name != "id")
    return f"DO UPDATE SET {taken}"


_INVOICES: Final = _upsert(
    "invoice",
    (*_INVOICE, _FETCHED_AT),
    f"{_all_of((*_INVOICE, _FETCHED_AT))} WHERE excluded.changed_at IS NOT NULL AND "
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
_VERSION: Final = (
    Column("id", "bigint"), Column("changed_at", "timestamptz"), Column("sealed", "text"),
    _FETCHED_AT,
)  # fmt: skip
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
    (Column("id", "bigint"),),
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
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        # One order of ids would do for one page; a transaction may store several.
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})"))
    # Each once: PostgreSQL refuses to touch a row twice in one statement.
    found = newest(invoices)
    statement, rows = _INVOICES.on([(*_invoice_row(each), now) for each in found], sqlite=sqlite)
    written = set(connection.execute(statement, rows).scalars())
    _store_transactions(connection, _TRANSACTIONS, [i for i in found if i.id in written])
    _see_again(connection, [i for i in found if i.id not in written], now)
    statement, rows = _LINKS.on([(each.id,) for each in found], sqlite=sqlite)
    connection.execute(statement, {**rows, "operation_id": operation_id, "attempt": attempt})


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
    """Record that somebody has what is personal of invoices opened.

    `chosen`: the operation and the attempt whose registry it is; None: every one that was fetched.
    """
    fetches = [chosen] if chosen is not None else _fetches(connection)
    did = "opened personal data of invoices"
    journal.write(connection, (journal.person(*each, did, now, by, why) for each in fetches))


def _store_transactions(
    connection: Connection, statement: Bulk, invoices: Sequence[SealedInvoice]
) -> None:
    each_once = {each.id: each for invoice in invoices for each in invoice.transactions}
    if each_once:
        executable, rows = statement.on(
            [_transaction_row(each) for each in each_once.values()],
            sqlite=connection.dialect.name == "sqlite",
        )
        connection.execute(executable, rows)


def _see_again(connection: Connection, invoices: Sequence[SealedInvoice], now: datetime) -> None:
    if not invoices:
        return
    versions = [(each.id, each.changed_at, each.sealed, now) for each in invoices]
    sqlite = connection.dialect.name == "sqlite"
    connection.execute(*_SEEN.on(versions, sqlite=sqlite))
    same = set(connection.execute(*_EQUAL.on(versions, sqlite=sqlite)).scalars())
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
