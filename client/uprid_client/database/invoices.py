"""The payment registry as the workers stored it, for a program that has its keys.

Read with the bare drivers, like the answers: the marketplace runs this beside its own code.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from uprid_client.database.address import is_sqlite
from uprid_client.database.lookup import Row, look_up

#: Opens a token over JSON; raises `Unsealable`.
Open = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Money:
    """An exact sum in one currency."""

    amount: Decimal
    #: `RUB`, or `TST` for money that is not real: never add them.
    currency: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """A movement of money that belongs to an invoice."""

    id: int
    number: int | None
    #: As the provider names it: Created, Confirm, Canceled, or what is new.
    state: str
    #: Entry, Purchase, Refund, or what is new.
    payment_type: str | None
    created_at: datetime | None
    paid: Money | None
    received: Money | None
    #: Accounts, comment and the like, by the provider's names. Empty: there is nothing, it was
    #: erased after its retention, or it was not asked for.
    personal: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice in the newest version that was fetched. Times are in UTC."""

    id: int
    #: As the provider names it: Created, PartPaid, Paid, ToPaid, Refund, Held, or what is new.
    state: str
    created_at: datetime | None
    changed_at: datetime | None
    expires_at: datetime | None
    amount: Money | None
    current: Money | None
    surcharge: Money | None
    eshop_id: int | None
    #: The shop's own number of the order.
    order: str | None
    #: When it was last seen in a registry.
    fetched_at: datetime
    #: Sorted by id.
    transactions: Sequence[Transaction]
    #: Comment, owner's name and e-mail and the like, as with transactions.
    personal: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which invoices are meant: all that are stored, if nothing else is said."""

    #: Those that this operation fetched,
    reference: str | None = None
    #: in this attempt; None: in the current one.
    attempt: int | None = None
    #: Those that were seen in a registry since then.
    since: datetime | None = None


#: Invoices read at once.
_BATCH: Final = 500

_INVOICE: Final = (
    "id", "state", "created_at", "changed_at", "expires_at", "amount", "currency",
    "current_amount", "current_currency", "surcharge_amount", "surcharge_currency", "eshop_id",
    "order_number", "fetched_at", "sealed",
)  # fmt: skip
_TRANSACTION: Final = (
    "id", "number", "state", "payment_type", "created_at", "paid_amount", "paid_currency",
    "received_amount", "received_currency", "sealed",
)  # fmt: skip

#: Constants for the planner, so that it walks the links in the order of their key.
_OPERATION: Final = "f.operation_id = (SELECT id FROM operation WHERE reference = ?)"
_CURRENT: Final = "f.attempt = (SELECT attempt FROM operation WHERE reference = ?)"


def stored_invoices(
    database_url: str, choice: Choice, unseal: Open | None = None, *, batch: int = _BATCH
) -> Iterator[Invoice]:
    """Iterate over stored invoices by id; without `unseal` nothing personal is opened.

    A few at a time, each with its transactions in one snapshot, so that neither memory nor a
    transaction grows with the registry. Raises `DatabaseUnavailable` and `Unsealable`.
    """
    after = -(2**63)
    while True:
        statement, parameters = _query(choice, after, batch, sqlite=is_sqlite(database_url))
        rows = look_up(database_url, statement, parameters)
        found = [_invoice(list(group), unseal) for _, group in groupby(rows, itemgetter(0))]
        yield from found
        if len(found) < batch:
            return
        after = found[-1].id


def _query(choice: Choice, after: int, batch: int, *, sqlite: bool) -> tuple[str, list[object]]:
    """Return the query for the next invoices: a row for each transaction, or one without any."""
    source, key = "invoice AS i", "i.id"
    conditions: list[str] = []
    parameters: list[object] = []
    if choice.reference is not None:
        source, key = "invoice_fetch AS f JOIN invoice AS i ON i.id = f.invoice_id", "f.invoice_id"
        current = choice.attempt is None
        conditions += [_OPERATION, _CURRENT if current else "f.attempt = ?"]
        parameters += [choice.reference, choice.reference if current else choice.attempt]
    conditions.append(f"{key} > ?")
    parameters.append(after)
    if choice.since is not None:
        conditions.append("i.fetched_at >= ?")
        parameters.append(_written(choice.since) if sqlite else choice.since)
    invoices = ", ".join(f"i.{name}" for name in _INVOICE)
    transactions = ", ".join(f"t.{name}" for name in _TRANSACTION)
    statement = (
        f"SELECT {invoices}, {transactions} FROM (SELECT i.* FROM {source}"  # noqa: S608 - constants only
        f" WHERE {' AND '.join(conditions)} ORDER BY {key} LIMIT ?) AS i"
        " LEFT JOIN invoice_transaction AS t ON t.invoice_id = i.id ORDER BY i.id, t.id"
    )
    return statement, [*parameters, batch]


def _invoice(rows: Sequence[Row], unseal: Open | None) -> Invoice:
    at = dict(zip(_INVOICE, rows[0], strict=False))
    size = len(_INVOICE)
    return Invoice(
        id=at["id"],
        state=at["state"],
        created_at=_moment(at["created_at"]),
        changed_at=_moment(at["changed_at"]),
        expires_at=_moment(at["expires_at"]),
        amount=_money(at["amount"], at["currency"]),
        current=_money(at["current_amount"], at["current_currency"]),
        surcharge=_money(at["surcharge_amount"], at["surcharge_currency"]),
        eshop_id=at["eshop_id"],
        order=at["order_number"],
        fetched_at=_certain(at["fetched_at"]),
        transactions=tuple(
            _transaction(row[size:], unseal) for row in rows if row[size] is not None
        ),
        personal=_personal(at["sealed"], unseal),
    )


def _transaction(row: Row, unseal: Open | None) -> Transaction:
    at = dict(zip(_TRANSACTION, row, strict=True))
    return Transaction(
        id=at["id"],
        number=at["number"],
        state=at["state"],
        payment_type=at["payment_type"],
        created_at=_moment(at["created_at"]),
        paid=_money(at["paid_amount"], at["paid_currency"]),
        received=_money(at["received_amount"], at["received_currency"]),
        personal=_personal(at["sealed"], unseal),
    )


def _money(amount: str | None, currency: str | None) -> Money | None:
    return None if amount is None or currency is None else Money(Decimal(amount), currency)


def _personal(sealed: str | None, unseal: Open | None) -> Mapping[str, str]:
    if sealed is None or unseal is None:
        return {}
    opened: Mapping[str, str] = unseal(sealed)
    return opened


def _moment(stored: str | datetime | None) -> datetime | None:
    return None if stored is None else _certain(stored)


def _certain(stored: str | datetime) -> datetime:
    """Read a time: SQLite has it as text without a zone, PostgreSQL in the session's zone."""
    if isinstance(stored, str):
        return datetime.fromisoformat(stored).replace(tzinfo=UTC)
    return stored.astimezone(UTC)


def _written(time: datetime) -> str:
    """Write a time as SQLite has it: text that sorts like time."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")
