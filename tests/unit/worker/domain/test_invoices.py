"""Invoices as they are stored: newest versions, exact decimals, nothing personal in clear."""

import json
from collections.abc import Sequence
from datetime import datetime

import pytest

from tests.support.engine.invoices import invoice, later, money, transaction
from worker.domain.invoices import Invoice, newest, sealed_invoices


class Counting:
    """Seals nothing, and counts how often it was asked."""

    def __init__(self) -> None:
        self.sealed: list[bytes] = []

    def __call__(self, content: bytes) -> str:
        self.sealed.append(content)
        return f"token {len(self.sealed)}"


@pytest.mark.parametrize(
    ("versions", "kept"),
    [
        pytest.param([later(0), later(1)], 1, id="the later comes last"),
        pytest.param([later(1), later(0)], 0, id="the later comes first"),
        pytest.param([later(0), later(0)], 0, id="equal"),
        pytest.param([None, later(0)], 1, id="none is the oldest"),
        pytest.param([later(0), None], 0, id="none comes last"),
        pytest.param([None, None], 0, id="none twice"),
        pytest.param([later(0), later(2), later(1)], 1, id="three"),
    ],
)
def test_newest_version_is_kept(versions: Sequence[datetime | None], kept: int) -> None:
    given = [invoice(1, changed_at=at, order=str(n)) for n, at in enumerate(versions)]

    assert [each.order for each in newest(given)] == [str(kept)]


def test_newest_versions_are_sorted_by_id() -> None:
    assert [each.id for each in newest([invoice(3), invoice(1), invoice(2)])] == [1, 2, 3]


def test_invoice_and_transaction_cost_one_seal_each() -> None:
    seal = Counting()
    fetched = invoice(7, transactions=[transaction(1), transaction(2, personal={})])

    [stored] = sealed_invoices([fetched, fetched], seal)

    assert [json.loads(content) for content in seal.sealed] == [
        {"OwnerFIO": "Небывал Пётр", "OwnerEmail": "n@example.ru"},
        {"Comment": "Возврат 1"},
    ]
    assert stored.sealed == "token 1"
    assert [each.sealed for each in stored.transactions] == ["token 2", None]


def test_nothing_personal_costs_no_seal() -> None:
    seal = Counting()

    [stored] = sealed_invoices([invoice(7, personal={})], seal)

    assert (stored.sealed, seal.sealed) == (None, [])


def test_half_a_character_is_sealed_as_a_question_mark() -> None:
    seal = Counting()

    sealed_invoices([invoice(7, personal={"Comment": "a\ud800b"})], seal)

    assert json.loads(seal.sealed[0]) == {"Comment": "a?b"}


@pytest.mark.parametrize(
    ("amount", "stored"),
    [
        pytest.param("11.0000", "11.0000", id="its zeros are kept"),
        pytest.param("-0.10", "-0.10", id="negative"),
        pytest.param("1E+3", "1000", id="no exponent"),
        pytest.param("1E-7", "0.0000001", id="no negative exponent"),
        pytest.param("1234567890123456789012345678.123456789", None, id="more digits than usual"),
    ],
)
def test_amounts_are_written_exactly(amount: str, stored: str | None) -> None:
    [sealed] = sealed_invoices([invoice(1, amount=money(amount, "TST"))], Counting())

    assert (sealed.amount, sealed.currency) == (stored or amount, "TST")


def test_invoice_without_amounts_has_neither_amount_nor_currency() -> None:
    bare = invoice(1, amount=None, transactions=[transaction(5, paid=None)])

    [sealed] = sealed_invoices([bare], Counting())

    assert (sealed.amount, sealed.currency) == (None, None)
    assert (sealed.transactions[0].paid_amount, sealed.transactions[0].invoice_id) == (None, 1)


def test_sealed_invoice_shows_no_token_in_its_text() -> None:
    fetched: Invoice = invoice(1, transactions=[transaction(5)])

    assert "token" not in repr(sealed_invoices([fetched], Counting()))
    assert "Небывал" not in repr(fetched)
