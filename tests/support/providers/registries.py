"""Payment registries as an acceptance test fetches them, held against the stand-in's own sums.

An eshop's number is its size and what befalls it: 5000103 has 5000 invoices, and 103 is queued
pages. What it comes to is computed by the stand-in's module, from which nothing is fetched.
"""

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tests.support.messages.marketplace import INVOICES
from tests.support.processes.system import System
from uprid_sandbox.registry import newest, totals

#: As much as can be asked for within a test: the stand-in needs no rest.
PACE: Final = {
    "UPRID_INTELLECTMONEY__RATE_PER_SECOND": "100",
    "UPRID_INTELLECTMONEY__READ_TIMEOUT": "5",
    "UPRID_INTELLECTMONEY__TOTAL_TIMEOUT": "5",
    "UPRID_INTELLECTMONEY__POLL": json.dumps(
        {"first_after": 0.2, "steps": [[20, 0.3]], "then": 1, "jitter": 0.1}
    ),
}


def fetch(whole: System, reference: str, eshop_id: int, page_size: int = 100) -> None:
    """Enqueue an operation that fetches an eshop's registry with its transactions."""
    filters = {
        "eshop_id": eshop_id,
        "include_payment_transactions": True,
        "page_size": page_size,
    }
    whole.marketplace.send(INVOICES, "intellectmoney", reference=reference, filters=filters)


def expected(eshop_id: int) -> dict[str, Any]:
    """Return what the event of an eshop's whole registry must say, but for the pages."""
    found = totals(eshop_id)
    by_state: dict[str, Any] = {}
    for (state, currency), total in sorted(found.items()):
        told = by_state.setdefault(state, {"count": 0, "sums": {}})
        told["count"] += total.invoices
        told["sums"][currency] = total.amount
    return {
        "invoices": sum(each.invoices for each in found.values()),
        "transactions": sum(each.transactions for each in found.values()),
        "by_state": by_state,
    }


def said(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result as `expected` has it: its sums as exact numbers, however many zeros."""
    by_state = {
        state: {
            "count": told["count"],
            "sums": {currency: Decimal(text) for currency, text in told["sums"].items()},
        }
        for state, told in result["by_state"].items()
    }
    return {
        "invoices": result["invoices"],
        "transactions": result["transactions"],
        "by_state": by_state,
    }


def stored(whole: System, eshop_id: int) -> dict[int, tuple[Any, ...]]:
    """Return what the table holds of an eshop: state, currency, amounts, transactions by id."""
    first, last = eshop_id * 1_000_000, (eshop_id + 1) * 1_000_000
    of_invoice: dict[int, list[tuple[int, Decimal, Decimal]]] = {}
    for invoice_id, number, paid, received in whole.rows(
        "SELECT invoice_id, id, paid_amount, received_amount FROM invoice_transaction"
        " WHERE invoice_id BETWEEN :first AND :last ORDER BY id",
        first=first,
        last=last,
    ):
        of_invoice.setdefault(invoice_id, []).append((number, Decimal(paid), Decimal(received)))
    rows = whole.rows(
        "SELECT id, state, currency, amount, current_amount, surcharge_amount FROM invoice"
        " WHERE id BETWEEN :first AND :last",
        first=first,
        last=last,
    )
    return {
        row[0]: (*row[1:3], *map(Decimal, row[3:6]), of_invoice.get(row[0], [])) for row in rows
    }


def issued(eshop_id: int) -> dict[int, tuple[Any, ...]]:
    """Return the same of the stand-in: every invoice in its newest version."""
    return {
        each.id: (
            each.state,
            each.currency,
            each.amount,
            each.current,
            each.surcharge,
            [(one.id, one.paid, one.received) for one in each.transactions],
        )
        for each in newest(eshop_id).values()
    }


def pages_asked(whole: System, eshop_id: int) -> Counter[int]:
    """Return how often each page was asked for, by its Skip."""
    return _pages(whole, eshop_id, "asked")


def pages_answered(whole: System, eshop_id: int) -> Counter[int]:
    """Return how often each page was given whole, by its Skip."""
    return _pages(whole, eshop_id, "answered")


def _pages(whole: System, eshop_id: int, what: str) -> Counter[int]:
    subjects = whole.calls_of("intellectmoney")["subjects"]
    counted = subjects.get(f"eshop:{eshop_id}", {"details": {}})["details"].get(what, {})
    return Counter({int(skip): times for skip, times in counted.items()})
