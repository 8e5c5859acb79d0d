"""Rows of the registry: what a spreadsheet and a program get."""

import csv
import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uprid_client.database.invoices import Invoice, Money, Transaction
from worker.cli.sheets import RUSSIAN, csv_lines, json_lines

AT = datetime(2026, 11, 21, 12, 0, 0, 457_000, tzinfo=UTC)
RUB = Money(Decimal("11.0000"), "RUB")


def movement(**changes: Any) -> Transaction:
    given: dict[str, Any] = {
        "id": 5, "number": 203, "state": "Confirm", "payment_type": None, "created_at": AT,
        "paid": RUB, "received": None, "personal": {"Comment": "Возврат"},
    }  # fmt: skip
    return Transaction(**{**given, **changes})


def bill(**changes: Any) -> Invoice:
    given: dict[str, Any] = {
        "id": 1, "state": "Paid", "created_at": AT, "changed_at": None, "expires_at": None,
        "amount": RUB, "current": Money(Decimal("-1E-7"), "RUB"), "surcharge": None,
        "eshop_id": 45, "order": "A-1", "fetched_at": AT.replace(microsecond=0),
        "transactions": (movement(),), "personal": {"OwnerFIO": "Небывал"},
    }  # fmt: skip
    return Invoice(**{**given, **changes})


def table(*bills: Invoice, transactions: bool = False, personal: bool = False) -> list[list[str]]:
    lines = csv_lines(bills, transactions=transactions, personal=personal)
    return list(csv.reader(StringIO("\n".join(lines))))


def objects(*bills: Invoice, transactions: bool = False, personal: bool = False) -> list[Any]:
    return [
        json.loads(each) for each in json_lines(bills, transactions=transactions, personal=personal)
    ]


def test_csv_has_a_row_an_invoice() -> None:
    headings, row = table(bill())

    assert dict(zip(headings, row, strict=True)) == {
        "id": "1", "state": "Paid", "created_at": "2026-11-21T12:00:00.457000Z",
        "changed_at": "", "expires_at": "", "amount": "11.0000", "currency": "RUB",
        "current_amount": "-0.0000001", "current_currency": "RUB", "surcharge_amount": "",
        "surcharge_currency": "", "eshop_id": "45", "order": "A-1",
        "fetched_at": "2026-11-21T12:00:00Z",
    }  # fmt: skip


def russian(*bills: Invoice, **options: bool) -> list[list[str]]:
    given = {"transactions": False, "personal": False, **options}
    lines = list(csv_lines(bills, layout=RUSSIAN, **given))
    assert lines[0].startswith("\ufeff")
    assert not any("\ufeff" in line for line in lines[1:])
    return list(csv.reader(StringIO("\n".join(lines).removeprefix("\ufeff")), delimiter=";"))


def test_csv_for_excel_has_the_same_cells_but_for_amounts() -> None:
    plain, excel = table(bill()), russian(bill())

    amounts = {index for index, name in enumerate(plain[0]) if name.endswith("amount")}
    assert excel[0] == plain[0]
    for index, (one, other) in enumerate(zip(plain[1], excel[1], strict=True)):
        assert other == (one.replace(".", ",") if index in amounts else one)
    assert excel[1][5] == "11,0000"


@pytest.mark.parametrize("order", ["=1+1", "+7", "-1", "@a", "\t=1", " =1", "＝1"])
def test_csv_for_excel_has_no_formulas_either(order: str) -> None:
    [_, row] = russian(bill(order=order))

    assert row[12].startswith("'")


@pytest.mark.parametrize("order", ["a;b", 'say "x"; y', "a,b"])
def test_csv_for_excel_keeps_a_text_with_its_delimiter_in_one_cell(order: str) -> None:
    headings, row = russian(bill(order=order), personal=True)

    assert len(headings) == len(row)
    assert row[12] == order


def test_csv_has_a_row_a_transaction_where_that_is_asked_for() -> None:
    headings, first, second = table(
        bill(transactions=()), bill(transactions=[movement(), movement(id=6)]), transactions=True
    )

    assert dict(zip(headings, first, strict=True)) == {
        "invoice_id": "1", "id": "5", "number": "203", "state": "Confirm", "payment_type": "",
        "created_at": "2026-11-21T12:00:00.457000Z", "paid_amount": "11.0000",
        "paid_currency": "RUB", "received_amount": "", "received_currency": "",
    }  # fmt: skip
    assert second[1] == "6"


def test_csv_without_invoices_has_its_headings() -> None:
    assert len(table()) == 1


@pytest.mark.parametrize("transactions", [False, True], ids=["invoices", "transactions"])
def test_nothing_personal_is_written_unless_asked_for(*, transactions: bool) -> None:
    lines = [
        *csv_lines([bill()], transactions=transactions, personal=False),
        *json_lines([bill()], transactions=transactions, personal=False),
    ]

    assert not [line for line in lines if "personal" in line or "Небывал" in line]


def test_csv_has_what_is_personal_in_one_column() -> None:
    headings, row, bare = table(bill(), bill(personal={}), personal=True)

    assert (headings[-1], json.loads(row[-1]), bare[-1]) == (
        "personal", {"OwnerFIO": "Небывал"}, "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        pytest.param("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0", id="equals"),
        pytest.param("+7 916", "'+7 916", id="plus"),
        pytest.param("-5", "'-5", id="minus"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("  =1", "'  =1", id="after spaces"),
        pytest.param("\t=1", "'\t=1", id="after a tab"),
        pytest.param("\r=1", "'=1", id="after a carriage return"),
        pytest.param("＝1", "'＝1", id="wide"),
        pytest.param("a=1", "a=1", id="within"),
        pytest.param("", "", id="empty"),
        pytest.param('say "a, b"', 'say "a, b"', id="quotes and commas"),
        pytest.param("a\x1b[2Jb\x9b", "a\ufffd[2Jb\ufffd", id="control characters"),
    ],
)
def test_csv_text_is_no_formula(text: str, cell: str) -> None:
    headings, row = table(bill(order=text))

    assert row[headings.index("order")] == cell


def test_negative_amounts_are_numbers_and_no_text() -> None:
    headings, row = table(bill(amount=Money(Decimal("-11.00"), "=RUB")))

    assert row[headings.index("amount")] == "-11.00"
    assert row[headings.index("currency")] == "'=RUB"


@given(st.text(), st.text(), st.text())
def test_no_cell_begins_like_a_formula_whatever_the_provider_sends(
    order: str, state: str, comment: str
) -> None:
    strange = bill(order=order, state=state, amount=None, current=None, personal={comment: comment})

    lines = list(csv_lines([strange], transactions=False, personal=True))

    [row] = csv.reader(StringIO(lines[1]))
    assert not [cell for cell in row if cell.strip(" \xa0").startswith(tuple("=+-@\t\n"))]


def test_json_holds_transactions_and_exact_amounts() -> None:
    [found] = objects(bill(), personal=True)

    assert found["amount"] == "11.0000"
    assert found["current_amount"] == "-0.0000001"
    assert found["changed_at"] is None
    assert found["personal"] == {"OwnerFIO": "Небывал"}
    [of_invoice] = found["transactions"]
    assert (of_invoice["invoice_id"], of_invoice["id"], of_invoice["paid_amount"]) == (
        1, 5, "11.0000",
    )  # fmt: skip
    assert of_invoice["personal"] == {"Comment": "Возврат"}


def test_json_has_an_object_a_transaction_where_that_is_asked_for() -> None:
    found = objects(bill(transactions=[movement(), movement(id=6)]), transactions=True)

    assert [(each["invoice_id"], each["id"]) for each in found] == [(1, 5), (1, 6)]


def test_json_line_is_one_line_whatever_the_provider_sends() -> None:
    lines = list(json_lines([bill(order="a\nb\x85c")], transactions=False, personal=False))

    assert [len(line.splitlines()) for line in lines] == [1]
    assert json.loads(lines[0])["order"] == "a\nb\ufffdc"
