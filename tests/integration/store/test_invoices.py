"""The payment registry in the store: every invoice once, in its newest version; exact sums."""

import threading
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from tests.support.engine.invoices import SEALER, invoice, later, money, rows, store, transaction
from tests.support.engine.operations import NOW, accepted, journal
from worker.domain.invoices import Invoice, SealedInvoice, sealed_invoices
from worker.store import invoices
from worker.store.database import Database
from worker.store.invoice_tables import INVOICE_FETCHES, INVOICES, TRANSACTIONS

AFTER = NOW + timedelta(days=1)


def tally(database: Database, operation_id: str, attempt: int = 1) -> dict[str, Any]:
    with database.read() as connection:
        return invoices.tally(connection, operation_id, attempt)


def links(database: Database) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in rows(database, INVOICE_FETCHES)]


def test_invoice_is_stored_with_its_transactions_and_link(database: Database) -> None:
    fetched = invoice(3_930_949_846, transactions=[transaction(5), transaction(4, paid=None)])

    store(database, "op", [fetched])

    [row] = rows(database, INVOICES)
    assert row["id"] == 3_930_949_846
    assert (row["state"], row["order_number"], row["eshop_id"]) == (
        "Paid", "order 3930949846", 450_063,
    )  # fmt: skip
    assert (row["amount"], row["currency"], row["surcharge_amount"]) == ("11.0000", "RUB", "0")
    assert (row["created_at"], row["changed_at"], row["expires_at"], row["fetched_at"]) == (
        NOW - timedelta(hours=3), NOW - timedelta(hours=1), None, NOW,
    )  # fmt: skip
    assert SEALER.open(row["sealed"]) == fetched.personal
    assert [(t["id"], t["invoice_id"], t["paid_amount"]) for t in rows(database, TRANSACTIONS)] == [
        (4, row["id"], None),
        (5, row["id"], "11.1100"),
    ]
    assert links(database) == [("op", 1, row["id"])]


def test_nothing_personal_is_stored_in_clear(database: Database) -> None:
    store(database, "op", [invoice(1, transactions=[transaction(5)])])

    stored = str([dict(row) for t in (INVOICES, TRANSACTIONS) for row in rows(database, t)])
    assert "gAAAA" in stored
    assert not [word for word in ("Небывал", "example.ru", "Возврат") if word in stored]


def test_same_page_again_changes_nothing(database: Database) -> None:
    page = [invoice(1, transactions=[transaction(5)]), invoice(2)]
    store(database, "op", page)
    before = [rows(database, table) for table in (INVOICES, TRANSACTIONS, INVOICE_FETCHES)]

    store(database, "op", page)

    assert [rows(database, table) for table in (INVOICES, TRANSACTIONS, INVOICE_FETCHES)] == before


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        pytest.param(later(0), later(1), "second", id="newer"),
        pytest.param(later(1), later(0), "first", id="older"),
        pytest.param(later(0), later(0), "first", id="equal"),
        pytest.param(later(0), later(0.000_000_1), "second", id="newer by microseconds"),
        pytest.param(None, later(0), "second", id="newer than none"),
        pytest.param(later(0), None, "first", id="none"),
        pytest.param(None, None, "first", id="none again"),
    ],
)
def test_newest_version_counts_whichever_comes_first(
    database: Database, first: datetime | None, second: datetime | None, kept: str
) -> None:
    def version(name: str, changed_at: datetime | None) -> Invoice:
        movement = transaction(5, state=name, personal={"Comment": name})
        return invoice(
            1, changed_at=changed_at, state=name, amount=money("7", name[:3]),
            transactions=[movement], personal={"OwnerFIO": name},
        )  # fmt: skip

    store(database, "one", [version("first", first)])
    store(database, "two", [version("second", second)], now=AFTER)

    [row], [movement] = rows(database, INVOICES), rows(database, TRANSACTIONS)
    assert (row["state"], row["currency"], movement["state"]) == (kept, kept[:3], kept)
    assert SEALER.open(row["sealed"]) == {"OwnerFIO": kept}
    assert SEALER.open(movement["sealed"]) == {"Comment": kept}
    # In any version: it was seen, and belongs to both registries.
    assert row["fetched_at"] == AFTER
    assert links(database) == [("one", 1, 1), ("two", 1, 1)]


def test_newer_version_without_transactions_leaves_those_that_are_known(
    database: Database,
) -> None:
    store(database, "op", [invoice(1, transactions=[transaction(5)])])
    store(database, "op", [invoice(1, changed_at=later(1), transactions=())])

    assert [row["id"] for row in rows(database, TRANSACTIONS)] == [5]


def test_same_version_brings_the_transactions_that_were_not_asked_for_before(
    database: Database,
) -> None:
    store(database, "op", [invoice(1), invoice(2, changed_at=later(9))])
    store(
        database, "op",
        [invoice(1, transactions=[transaction(5)]), invoice(2, transactions=[transaction(6)])],
    )  # fmt: skip

    # The second one's version is older than what is known.
    assert [row["id"] for row in rows(database, TRANSACTIONS)] == [5]


def test_same_version_brings_back_what_was_erased(database: Database) -> None:
    page = [invoice(1, transactions=[transaction(5)])]
    store(database, "op", page)
    with database.begin() as connection:
        connection.execute(update(INVOICES).values(sealed=None))
        connection.execute(update(TRANSACTIONS).values(sealed=None))

    store(database, "op", page, now=AFTER)

    assert SEALER.open(rows(database, INVOICES)[0]["sealed"]) == page[0].personal
    assert SEALER.open(rows(database, TRANSACTIONS)[0]["sealed"]) == {"Comment": "Возврат 5"}


def test_older_version_brings_nothing_back(database: Database) -> None:
    store(database, "op", [invoice(1)])
    with database.begin() as connection:
        connection.execute(update(INVOICES).values(sealed=None))

    store(database, "op", [invoice(1, changed_at=later(-1))])

    assert rows(database, INVOICES)[0]["sealed"] is None


def test_versions_and_transactions_that_come_twice_in_a_page_are_stored_once(
    database: Database,
) -> None:
    page = [
        *sealed_invoices([invoice(1, state="Created")], SEALER.seal_bytes),
        *sealed_invoices(
            [
                invoice(1, changed_at=later(1), transactions=[transaction(5), transaction(5)]),
                invoice(2, transactions=[transaction(5)]),
            ],
            SEALER.seal_bytes,
        ),
    ]

    with database.begin() as connection:
        invoices.upsert(connection, "op", 1, page, NOW)

    assert [(row["id"], row["state"]) for row in rows(database, INVOICES)] == [
        (1, "Paid"),
        (2, "Paid"),
    ]
    assert len(rows(database, TRANSACTIONS)) == 1
    assert tally(database, "op")["invoices"] == 2


def test_empty_page_is_stored_as_nothing(database: Database) -> None:
    store(database, "op", [])

    assert links(database) == []
    assert tally(database, "op") == {"invoices": 0, "transactions": 0, "by_state": {}}


def test_two_workers_store_overlapping_pages_in_opposite_orders(database: Database) -> None:
    """Several pages in a transaction, as a chunk's write-back has them: no deadlock."""
    low = sealed_invoices([invoice(n) for n in range(1, 40)], SEALER.seal_bytes)
    high = sealed_invoices([invoice(n) for n in range(30, 80)], SEALER.seal_bytes)
    faults: list[BaseException] = []
    start = threading.Barrier(2)

    def work(name: str, pages: list[list[SealedInvoice]]) -> None:
        try:
            start.wait(10)
            for _ in range(10):
                with database.begin() as connection:
                    for page in pages:
                        invoices.upsert(connection, name, 1, page, NOW)
        except BaseException as fault:  # noqa: BLE001 - raised by the test's own thread
            faults.append(fault)

    threads = [
        threading.Thread(target=work, args=("one", [low, high])),
        threading.Thread(target=work, args=("two", [high, low])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert faults == []
    assert len(rows(database, INVOICES)) == 79
    assert len(links(database)) == 2 * 79


def test_tally_counts_and_sums_by_state_and_currency(database: Database) -> None:
    store(
        database, "op",
        [
            invoice(1, amount=money("0.1000"), transactions=[transaction(1), transaction(2)]),
            invoice(2, amount=money("0.2")),
            invoice(3, amount=money("0.2")),
            invoice(4, amount=money("1000000", "TST")),
            invoice(5, amount=None),
            invoice(6, state="Held", amount=money("-3.5")),
            invoice(7, state="Created", amount=None),
        ],
    )  # fmt: skip

    found = tally(database, "op")

    assert found == {
        "invoices": 7,
        "transactions": 2,
        "by_state": {
            "Created": {"count": 1, "sums": {}},
            "Held": {"count": 1, "sums": {"RUB": "-3.5"}},
            "Paid": {"count": 5, "sums": {"RUB": "0.5000", "TST": "1000000"}},
        },
    }
    assert list(found["by_state"]) == ["Created", "Held", "Paid"]


def test_tally_adds_up_exactly_whatever_the_scales(database: Database) -> None:
    amounts = ["1" + "0" * 30, "0." + "0" * 29 + "1", "-0.7", "0.7", "12345678901234567890.5"]
    store(database, "op", [invoice(n, amount=money(a)) for n, a in enumerate(amounts)])

    summed = tally(database, "op")["by_state"]["Paid"]["sums"]["RUB"]

    assert summed == "1000000000012345678901234567890.500000000000000000000000000001"


def test_tally_is_of_one_attempt(database: Database) -> None:
    store(database, "op", [invoice(1)])
    store(database, "op", [invoice(1), invoice(2)], attempt=2)
    store(database, "other", [invoice(3)])

    assert [tally(database, "op", n)["invoices"] for n in (1, 2, 3)] == [1, 2, 0]


def test_many_pages_that_come_twice_in_part_are_summed_once(database: Database) -> None:
    for page in range(20):
        store(
            database,
            "op",
            [invoice(n, amount=money("0.07")) for n in range(page * 9, page * 9 + 10)],
        )
    count = 20 * 9 + 1

    found = tally(database, "op")

    assert found["invoices"] == count
    assert Decimal(found["by_state"]["Paid"]["sums"]["RUB"]) == count * Decimal("0.07")


def test_whoever_looks_at_what_is_personal_is_in_the_journal(database: Database) -> None:
    first, second, third = accepted(database, "order-1", "order-2", "order-3")
    store(database, first, [invoice(1), invoice(2)])
    store(database, second, [invoice(1)])

    with database.begin() as connection:
        invoices.look_into(connection, (third, 1), "anna", "audit", NOW)
        invoices.look_into(connection, None, "olga", "all", NOW)

    looked = {
        reference: [
            (row["by"], row["detail"], row["note"])
            for row in journal(database, reference)
            if row["what"] == "person"
        ]
        for reference in ("order-1", "order-2", "order-3")
    }
    did = "opened personal data of invoices"
    assert looked == {
        "order-1": [("olga", "all", did)],
        "order-2": [("olga", "all", did)],
        "order-3": [("anna", "audit", did)],
    }
