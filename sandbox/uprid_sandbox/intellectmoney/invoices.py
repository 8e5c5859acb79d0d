"""The invoices of an eshop: pure functions of the eshop and of a place in its registry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from uprid_sandbox.intellectmoney.acts import Manner
from uprid_sandbox.intellectmoney.dice import Dice
from uprid_sandbox.intellectmoney.eshops import eshop_scenario

#: `InvoiceState` by its number; 5 is not documented.
STATES: Final = {
    "Created": "0",
    "PartPaid": "1",
    "Paid": "2",
    "ToPaid": "3",
    "Refund": "4",
    "Held": "6",
}
STRANGE_STATES: Final = ("5", "Frozen")
#: More than an eshop can have invoices, so that ids are of one eshop only.
_IDS: Final = 1_000_000
# As the provider writes them: local time, and no zone.
_OPENED: Final = datetime(2024, 1, 9, 10, 11, 3)  # noqa: DTZ001
#: How often a state comes, in hundredths.
_SHARES: Final = (
    ("Paid", 45),
    ("Created", 15),
    ("PartPaid", 10),
    ("ToPaid", 10),
    ("Refund", 10),
    ("Held", 10),
)
_NONE: Final = Decimal("0.0000")
_TENTHOUSANDTH: Final = 4
_PAYMENTS: Final = ("Entry", "Purchase", "Refund")


@dataclass(frozen=True, slots=True)
class Moment:
    """A local date with the digits of its fraction of a second: none to seven."""

    second: datetime
    fraction: str

    def __str__(self) -> str:
        text = self.second.isoformat(timespec="seconds")
        return f"{text}.{self.fraction}" if self.fraction else text


@dataclass(frozen=True, slots=True)
class Transaction:
    """One movement of money of an invoice."""

    id: int
    state: str
    payment_type: str
    created: Moment
    paid: Decimal
    received: Decimal


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice in one of its versions."""

    id: int
    index: int
    eshop_id: int
    state: str
    currency: str
    amount: Decimal
    current: Decimal
    surcharge: Decimal
    created: Moment
    changed: Moment
    #: None: never, which is written as the year 1.
    expires: Moment | None
    transactions: Sequence[Transaction]


def invoice(eshop_id: int, index: int, version: int = 0) -> Invoice:
    """Return the eshop's `index`th invoice (from 0), as it stood at a version (from 0)."""
    dice = Dice(eshop_id, index)
    manner = eshop_scenario(eshop_id).manner
    invoice_id = eshop_id * _IDS + index + 1
    amount = _money(dice)
    created = _OPENED + timedelta(minutes=37 * index)
    state = _state(dice, index, manner)
    changed = created + timedelta(seconds=1 + dice.roll(90_000), days=3 * version)
    current = _current(state, amount, dice)
    if version:
        state, current = ("Paid", amount) if state == "Refund" else ("Refund", _NONE)
    return Invoice(
        id=invoice_id,
        index=index,
        eshop_id=eshop_id,
        state=state,
        currency=_currency(index, manner),
        amount=amount,
        current=current,
        surcharge=_NONE if state == "Refund" else amount - current,
        created=_moment(created, dice, index),
        changed=_moment(changed, dice, index // 8 + 1),
        expires=_moment(created + timedelta(days=30), dice, 0) if index % 4 == 1 else None,
        transactions=_transactions(invoice_id, amount, created, dice),
    )


def _state(dice: Dice, index: int, manner: Manner) -> str:
    left = dice.roll(100)
    if Manner.STRANGE_STATES in manner and index % 4 == 1:
        return STRANGE_STATES[index // 4 % 2]
    for state, share in _SHARES:
        if left < share:
            return state
        left -= share
    raise AssertionError(left)


def _currency(index: int, manner: Manner) -> str:
    if Manner.STRANGE_CURRENCIES in manner and index % 5 == 2:  # noqa: PLR2004 - any fifth
        return "EUR"
    return "TST" if index % 10 == 7 else "RUB"  # noqa: PLR2004 - any tenth


def _money(dice: Dice) -> Decimal:
    """Return 0.0001 to about a million; three of four in whole kopecks, and always four digits."""
    kopecks, rest = 1 + dice.roll(99_999_999), dice.roll(400)
    return Decimal(kopecks * 100 + (rest if rest < 100 else 0)).scaleb(-_TENTHOUSANDTH)  # noqa: PLR2004


def _current(state: str, amount: Decimal, dice: Dice) -> Decimal:
    part = dice.roll(9) + 1
    match state:
        case "Created" | "Refund":
            return _NONE
        case "PartPaid":
            return (amount * part / 10).quantize(_NONE)
        case _:
            return amount


def _transactions(
    invoice_id: int, amount: Decimal, created: datetime, dice: Dice
) -> tuple[Transaction, ...]:
    return tuple(
        Transaction(
            id=invoice_id * 10 + place,
            state=("Confirm", "Confirm", "Confirm", "Created", "Canceled")[dice.roll(5)],
            payment_type=_PAYMENTS[place],
            created=_moment(created + timedelta(minutes=place + 1), dice, place + invoice_id),
            paid=amount,
            received=(amount * (1000 - dice.roll(40)) / 1000).quantize(_NONE),
        )
        for place in range(dice.roll(4))
    )


def _moment(second: datetime, dice: Dice, digits: int) -> Moment:
    """Return a moment with `digits % 8` digits; the last is no zero: the provider drops zeros."""
    places = digits % 8
    if not places:
        return Moment(second, "")
    leading = dice.roll(10 ** (places - 1))
    return Moment(second, f"{leading * 10 + 1 + dice.roll(9):0{places}}")
