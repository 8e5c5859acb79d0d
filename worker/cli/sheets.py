"""Invoices and transactions as rows: CSV for spreadsheets, JSON lines for programs. Pure."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Final

from uprid_client.database.invoices import Invoice, Money, Transaction

Cell = int | str | Decimal | datetime | None
Facts = Mapping[str, Cell]

#: What begins a formula for one spreadsheet or another; a tab and a line end count as well.
_FORMULA: Final = tuple("=+-@\t\n＝＋－＠")
#: Control characters, but for tabs and line ends: a terminal plays them.
_CONTROLS: Final = dict.fromkeys((*range(32), *range(127, 160)), "�") | {
    ord("\t"): "\t",
    ord("\n"): "\n",
    ord("\r"): None,
}
_AMOUNT: Final = ("amount", "currency")
_CURRENT: Final = ("current_amount", "current_currency")
_SURCHARGE: Final = ("surcharge_amount", "surcharge_currency")
_PAID: Final = ("paid_amount", "paid_currency")
_RECEIVED: Final = ("received_amount", "received_currency")

INVOICE_HEADINGS: Final = (
    "id", "state", "created_at", "changed_at", "expires_at", *_AMOUNT, *_CURRENT, *_SURCHARGE,
    "eshop_id", "order", "fetched_at",
)  # fmt: skip
TRANSACTION_HEADINGS: Final = (
    "invoice_id", "id", "number", "state", "payment_type", "created_at", *_PAID, *_RECEIVED,
)  # fmt: skip
PERSONAL: Final = "personal"


@dataclass(frozen=True, slots=True)
class Layout:
    """How a CSV is written."""

    delimiter: str = ","
    decimal_mark: str = "."
    #: Stands before the heading.
    begin: str = ""


#: For programs (RFC 4180).
PLAIN: Final = Layout()
#: For Excel with Russian settings, which takes a file without a BOM for windows-1251, commas for
#: decimal marks, and "1.5" for the first of May.
RUSSIAN: Final = Layout(delimiter=";", decimal_mark=",", begin="\ufeff")


def csv_lines(
    invoices: Iterable[Invoice], *, transactions: bool, personal: bool, layout: Layout = PLAIN
) -> Iterator[str]:
    """Yield a heading, and a line an invoice or a transaction.

    `personal` is one more column, a JSON object: its names are the provider's. A text that a
    spreadsheet would take for a formula gets a ' before it.
    """
    headings = TRANSACTION_HEADINGS if transactions else INVOICE_HEADINGS
    yield layout.begin + _csv([*headings, PERSONAL] if personal else headings, layout)
    for facts, values in _rows(invoices, transactions=transactions):
        cells = [_text(facts[name], layout) for name in headings]
        yield _csv([*cells, _object(values) if values else ""] if personal else cells, layout)


def json_lines(invoices: Iterable[Invoice], *, transactions: bool, personal: bool) -> Iterator[str]:
    """Yield a JSON object an invoice, with its transactions in it, or one a transaction.

    Amounts are text: the floats of other languages would round them.
    """
    if transactions:
        for facts, values in _rows(invoices, transactions=True):
            yield _object({**facts, PERSONAL: values} if personal else facts)
        return
    for invoice in invoices:
        of_invoice: dict[str, object] = dict(_invoice_facts(invoice))
        if personal:
            of_invoice[PERSONAL] = invoice.personal
        of_invoice["transactions"] = [
            {**_transaction_facts(invoice, each), PERSONAL: each.personal}
            if personal
            else _transaction_facts(invoice, each)
            for each in invoice.transactions
        ]
        yield _object(of_invoice)


def _rows(
    invoices: Iterable[Invoice], *, transactions: bool
) -> Iterator[tuple[Facts, Mapping[str, str]]]:
    for invoice in invoices:
        if transactions:
            for each in invoice.transactions:
                yield _transaction_facts(invoice, each), each.personal
        else:
            yield _invoice_facts(invoice), invoice.personal


def _invoice_facts(invoice: Invoice) -> Facts:
    return {
        "id": invoice.id,
        "state": invoice.state,
        "created_at": invoice.created_at,
        "changed_at": invoice.changed_at,
        "expires_at": invoice.expires_at,
        **_money(_AMOUNT, invoice.amount),
        **_money(_CURRENT, invoice.current),
        **_money(_SURCHARGE, invoice.surcharge),
        "eshop_id": invoice.eshop_id,
        "order": invoice.order,
        "fetched_at": invoice.fetched_at,
    }


def _transaction_facts(invoice: Invoice, transaction: Transaction) -> Facts:
    return {
        "invoice_id": invoice.id,
        "id": transaction.id,
        "number": transaction.number,
        "state": transaction.state,
        "payment_type": transaction.payment_type,
        "created_at": transaction.created_at,
        **_money(_PAID, transaction.paid),
        **_money(_RECEIVED, transaction.received),
    }


def _money(names: tuple[str, str], money: Money | None) -> Facts:
    amount, currency = names
    if money is None:
        return {amount: None, currency: None}
    return {amount: money.amount, currency: money.currency}


def _text(cell: Cell, layout: Layout) -> str:
    if isinstance(cell, str):
        return _harmless(cell)
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return _written(cell).replace(".", layout.decimal_mark)
    return str(cell) if isinstance(cell, int) else _written(cell)


def _harmless(text: str) -> str:
    cleaned = text.translate(_CONTROLS)
    # Some spreadsheets drop the spaces before they look.
    return f"'{cleaned}" if cleaned.lstrip(" \xa0").startswith(_FORMULA) else cleaned


def _written(value: object) -> str:
    match value:
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case _:
            raise TypeError(type(value).__name__)


def _object(facts: Mapping[str, object]) -> str:
    written = json.dumps(facts, ensure_ascii=False, default=_written)
    # JSON escapes only the first 32 of them.
    return written.translate(_CONTROLS)


def _csv(cells: Iterable[str], layout: Layout) -> str:
    line = StringIO()
    # Only the line end's characters that it is given are quoted.
    csv.writer(line, delimiter=layout.delimiter, lineterminator="\n").writerow(cells)
    return line.getvalue().removesuffix("\n")
