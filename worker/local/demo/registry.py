"""The expected content of a payment registry, from the stand-in's own data, and its people."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from uprid_sandbox.registry import Items, Value, invoice_data, newest, totals

#: The members of invoices and of their movements that tell a person, by the provider's names.
_PERSONAL: Final = frozenset(
    {
        "Comment",
        "OwnerEmail",
        "OwnerFIO",
        "UserName",
        "UserEmail",
        "PaymentAccount",
        "RecipientAccount",
        "Description",
    }
)
#: Such as "Invoice 12".
_NUMBERED: Final = re.compile(r" [0-9]+\Z")


def tally_of(eshop_id: int) -> dict[str, Any]:
    """Return the counts and sums that the event must have of an eshop's whole registry."""
    found = totals(eshop_id)
    counts: Counter[str] = Counter()
    sums: dict[str, dict[str, str]] = {}
    for (state, currency), total in sorted(found.items()):
        counts[state] += total.invoices
        sums.setdefault(state, {})[currency] = f"{total.amount:f}"
    return {
        "invoices": counts.total(),
        "transactions": sum(total.transactions for total in found.values()),
        "by_state": {state: {"count": counts[state], "sums": sums[state]} for state in sums},
    }


def personal_values(eshop_id: int) -> set[str]:
    """Return every value of an eshop's registry that must stand in clear nowhere.

    Without the numbers at their ends, which tell apart what begins alike.
    """
    papers = (invoice_data(each, with_transactions=True) for each in newest(eshop_id).values())
    return {_NUMBERED.sub("", value) for paper in papers for value in _personal("", paper)}


def _personal(name: str, value: Value) -> Iterator[str]:
    if isinstance(value, Items):
        for item in value.items:
            yield from _personal(name, item)
    elif isinstance(value, dict):
        for inner, each in value.items():
            yield from _personal(inner, each)
    elif name in _PERSONAL and isinstance(value, str):
        yield value
