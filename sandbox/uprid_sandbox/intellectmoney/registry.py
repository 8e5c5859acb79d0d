"""The invoices of an eshop's registry, and their totals.

Tests count with `totals`: it shares nothing with how the pages are cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Final

from uprid_sandbox.intellectmoney.acts import Listing
from uprid_sandbox.intellectmoney.eshops import eshop_scenario
from uprid_sandbox.intellectmoney.invoices import Invoice, invoice

#: The eshop that is listed where none is named: 25 invoices, and nothing befalls it.
USUAL_ESHOP: Final = 25_000
#: Greater ones would have more invoices than a sandbox can hold.
LAST_ESHOP: Final = 99_999_999
_CHANGED: Final = 3
_SHIFTED: Final = 10


@dataclass(frozen=True, slots=True)
class Filter:
    """What an invoice must be to be listed: all of it at once. None: anything."""

    state: str | None = None
    invoice_id: int | None = None
    #: The days of the last change, both included (a guess).
    first_day: date | None = None
    last_day: date | None = None

    def takes(self, each: Invoice) -> bool:
        """Return whether an invoice is listed."""
        day = each.changed.second.date()
        return (
            self.state in {None, each.state}
            and self.invoice_id in {None, each.id}
            and (self.first_day is None or self.first_day <= day)
            and (self.last_day is None or day <= self.last_day)
        )


@dataclass(frozen=True, slots=True)
class Total:
    """What the invoices of one state and currency come to, exactly."""

    invoices: int
    transactions: int
    amount: Decimal
    current: Decimal
    surcharge: Decimal


def page(eshop_id: int, chosen: Filter, skip: int, take: int) -> list[Invoice]:
    """Return a page of what is listed."""
    match eshop_scenario(eshop_id).listing:
        case Listing.ENDLESS:
            further = (invoice(eshop_id, index) for index in range(skip, skip + take))
            return [each for each in further if chosen.takes(each)]
        case Listing.STUCK:
            skip = 0
    taken = (each for each in _listed(eshop_id) if chosen.takes(each))
    return list(islice(taken, skip, skip + take))


def newest(eshop_id: int, chosen: Filter = Filter()) -> dict[int, Invoice]:
    """Return every listed invoice by its id, the latest changed of its versions.

    Raises ValueError for a registry that never ends.
    """
    if eshop_scenario(eshop_id).listing in {Listing.ENDLESS, Listing.STUCK}:
        raise ValueError("this registry never ends")
    found: dict[int, Invoice] = {}
    for each in _listed(eshop_id):
        known = found.get(each.id)
        if chosen.takes(each) and (known is None or known.changed.second < each.changed.second):
            found[each.id] = each
    return found


def totals(
    eshop_id: int,
    chosen: Filter = Filter(),
) -> dict[tuple[str, str], Total]:
    """Return what the newest versions come to, by state and currency."""
    sums: dict[tuple[str, str], Total] = {}
    for each in newest(eshop_id, chosen).values():
        key = (each.state, each.currency)
        so_far = sums.get(key, Total(0, 0, Decimal(0), Decimal(0), Decimal(0)))
        sums[key] = Total(
            so_far.invoices + 1,
            so_far.transactions + len(each.transactions),
            so_far.amount + each.amount,
            so_far.current + each.current,
            so_far.surcharge + each.surcharge,
        )
    return sums


@lru_cache(maxsize=4)
def _listed(eshop_id: int) -> tuple[Invoice, ...]:
    return tuple(_in_order(eshop_id))


def _in_order(eshop_id: int) -> Iterator[Invoice]:
    listing, count = eshop_scenario(eshop_id).listing, eshop_id // 1000
    for index in range(count):
        outdated = listing is Listing.OLDER_LAST and index < _CHANGED
        yield invoice(eshop_id, index, version=1 if outdated else 0)
        if listing is Listing.SHIFTED and index % _SHIFTED == _SHIFTED - 1:
            yield invoice(eshop_id, index)
    if listing in {Listing.NEWER_LAST, Listing.OLDER_LAST}:
        for index in range(min(_CHANGED, count)):
            yield invoice(eshop_id, index, version=1 if listing is Listing.NEWER_LAST else 0)
