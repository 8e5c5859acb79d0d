"""Invoices of a payment registry and their transactions: as a plugin reads them, and as stored."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Money:
    """An exact sum in one currency: never a float, and never added to another currency's."""

    amount: Decimal
    #: `RUB`, or `TST` for money that is not real.
    currency: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """A movement of money that belongs to an invoice."""

    id: int
    number: int | None
    #: As the provider names it: Created, Confirm, Canceled, or what is new.
    state: str
    #: Entry, Purchase, Refund, or what is new; None where it was not said.
    payment_type: str | None
    created_at: datetime | None
    paid: Money | None
    received: Money | None
    #: Accounts, comment, description, e-mail: by the provider's names. Sealed before it is stored.
    personal: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as it stood at `changed_at`."""

    id: int
    #: As the provider names it: Created, PartPaid, Paid, ToPaid, Refund, Held, or what is new.
    state: str
    created_at: datetime | None
    #: Of two versions of one invoice the later changed one counts; None counts as the oldest.
    changed_at: datetime | None
    expires_at: datetime | None
    amount: Money | None
    current: Money | None
    surcharge: Money | None
    eshop_id: int | None
    #: The shop's own number of the order.
    order: str | None
    transactions: Sequence[Transaction]
    #: Comment, owner's name and e-mail and the like: by the provider's names. Sealed before it is
    #: stored.
    personal: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedTransaction:
    """A transaction as its row has it: a field a column, decimals as text."""

    id: int
    invoice_id: int
    number: int | None
    state: str
    payment_type: str | None
    created_at: datetime | None
    paid_amount: str | None
    paid_currency: str | None
    received_amount: str | None
    received_currency: str | None
    #: A Fernet token over the JSON of all that is personal; None where nothing is.
    sealed: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedInvoice:
    """An invoice as its row has it: a field a column, decimals as text, but for `transactions`."""

    id: int
    state: str
    created_at: datetime | None
    changed_at: datetime | None
    expires_at: datetime | None
    amount: str | None
    currency: str | None
    current_amount: str | None
    current_currency: str | None
    surcharge_amount: str | None
    surcharge_currency: str | None
    eshop_id: int | None
    order_number: str | None
    #: A Fernet token over the JSON of all that is personal; None where nothing is.
    sealed: str | None = field(repr=False)
    transactions: Sequence[SealedTransaction]


#: Returns a Fernet token over these very bytes.
Seal = Callable[[bytes], str]


class Versioned(Protocol):
    """A record of which several versions may exist."""

    @property
    def id(self) -> int:
        """The record's id."""

    @property
    def changed_at(self) -> datetime | None:
        """The version's time: the later one counts, and None is the oldest."""


_Versioned = TypeVar("_Versioned", bound=Versioned)


def newest(versions: Iterable[_Versioned]) -> list[_Versioned]:
    """Return the newest version of each, sorted by id; of equally old ones the first."""
    found: dict[int, _Versioned] = {}
    for version in versions:
        known = found.get(version.id)
        if known is None or _is_newer(version, known):
            found[version.id] = version
    return [found[each] for each in sorted(found)]


def sealed_invoices(invoices: Iterable[Invoice], seal: Seal) -> list[SealedInvoice]:
    """Return the newest version of each invoice as it is stored, sorted by id.

    What is personal is sealed as one token an invoice and one a transaction.
    """
    return [_sealed_invoice(invoice, seal) for invoice in newest(invoices)]


def _is_newer(version: Versioned, known: Versioned) -> bool:
    if version.changed_at is None:
        return False
    return known.changed_at is None or version.changed_at > known.changed_at


def _sealed_invoice(invoice: Invoice, seal: Seal) -> SealedInvoice:
    amount, currency = _money(invoice.amount)
    current_amount, current_currency = _money(invoice.current)
    surcharge_amount, surcharge_currency = _money(invoice.surcharge)
    return SealedInvoice(
        id=invoice.id,
        state=invoice.state,
        created_at=invoice.created_at,
        changed_at=invoice.changed_at,
        expires_at=invoice.expires_at,
        amount=amount,
        currency=currency,
        current_amount=current_amount,
        current_currency=current_currency,
        surcharge_amount=surcharge_amount,
        surcharge_currency=surcharge_currency,
        eshop_id=invoice.eshop_id,
        order_number=invoice.order,
        sealed=_sealed(invoice.personal, seal),
        transactions=tuple(
            _sealed_transaction(each, invoice.id, seal) for each in invoice.transactions
        ),
    )


def _sealed_transaction(transaction: Transaction, invoice_id: int, seal: Seal) -> SealedTransaction:
    paid_amount, paid_currency = _money(transaction.paid)
    received_amount, received_currency = _money(transaction.received)
    return SealedTransaction(
        id=transaction.id,
        invoice_id=invoice_id,
        number=transaction.number,
        state=transaction.state,
        payment_type=transaction.payment_type,
        created_at=transaction.created_at,
        paid_amount=paid_amount,
        paid_currency=paid_currency,
        received_amount=received_amount,
        received_currency=received_currency,
        sealed=_sealed(transaction.personal, seal),
    )


def _money(money: Money | None) -> tuple[str | None, str | None]:
    # Without an exponent, every digit kept: what is read must be what the provider wrote.
    return (None, None) if money is None else (format(money.amount, "f"), money.currency)


def _sealed(personal: Mapping[str, str], seal: Seal) -> str | None:
    if not personal:
        return None
    written = json.dumps(dict(personal), ensure_ascii=False, separators=(",", ":"))
    # Half a character, which JSON replies may hold, has no bytes in UTF-8.
    return seal(written.encode("utf-8", "replace"))
