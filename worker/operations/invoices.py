"""Invoices of a payment registry and their transactions, as they are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


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
