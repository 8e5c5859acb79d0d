"""The client's view of the registry, on both databases, read with the bare drivers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import update

from tests.support.engine.invoices import KEY, invoice, later, money, store, transaction
from tests.support.engine.operations import NOW, accepted
from uprid_client import Client
from uprid_client.database.invoices import Choice, stored_invoices
from uprid_client.errors import DatabaseUnavailable, Unsealable
from worker.store.database import Database
from worker.store.invoice_tables import INVOICES
from worker.store.tables import OPERATIONS

# Where nothing listens: invoices need no broker.
BROKER = "redis://127.0.0.1:1/0"
TENTH = NOW.replace(microsecond=457_000)


@pytest.fixture
def client(migrated_url: str) -> Iterator[Client]:
    made = Client(BROKER, [KEY], database_url=migrated_url)
    yield made
    made.close()


@pytest.fixture
def fetched(database: Database) -> str:
    """An operation `order-1` that fetched four invoices; return its id."""
    [operation_id] = accepted(database, "order-1")
    page = [invoice(n, amount=money(f"{n}.10")) for n in (4, 2**62, 1)]
    page.append(
        invoice(
            3, created_at=TENTH, changed_at=None, amount=None, personal={},
            transactions=[transaction(9, received=None), transaction(8, personal={})],
        )
    )  # fmt: skip
    store(database, operation_id, page)
    return operation_id


def ids(found: Iterator[object]) -> list[int]:
    return [each.id for each in found]  # type: ignore[attr-defined]


def test_invoices_come_by_id_with_exact_amounts_and_utc_times(client: Client, fetched: str) -> None:
    found = list(client.invoices())

    assert [each.id for each in found] == [1, 3, 4, 2**62]
    first, second, *_ = found
    assert first.amount is not None
    assert (first.amount.amount, first.amount.currency) == (Decimal("1.10"), "RUB")
    assert str(first.current.amount if first.current else "") == "0.0000"
    assert (first.changed_at, first.expires_at, first.fetched_at) == (later(0), None, NOW)
    assert first.fetched_at.tzinfo is UTC
    assert (first.order, first.eshop_id, first.transactions) == ("order 1", 450_063, ())
    assert (second.created_at, second.changed_at, second.amount) == (TENTH, None, None)
    assert [(each.id, each.received is None) for each in second.transactions] == [
        (8, False),
        (9, True),
    ]


def test_invoices_have_what_is_personal_opened_and_shown_in_no_text(
    client: Client, fetched: str
) -> None:
    first, second, *_ = client.invoices()

    assert first.personal == {"OwnerFIO": "Небывал Пётр", "OwnerEmail": "n@example.ru"}
    assert second.personal == {}
    assert [each.personal for each in second.transactions] == [{}, {"Comment": "Возврат 9"}]
    assert "Небывал" not in repr(first)
    assert "Возврат" not in repr(second)


def test_invoices_may_be_read_without_what_is_personal(migrated_url: str, fetched: str) -> None:
    stranger = Client(BROKER, [Fernet.generate_key().decode()], database_url=migrated_url)

    assert [each.personal for each in stranger.invoices(personal=False)] == [{}, {}, {}, {}]
    with pytest.raises(Unsealable):
        list(stranger.invoices())
    stranger.close()


def test_invoices_that_were_erased_have_nothing_personal(
    client: Client, database: Database, fetched: str
) -> None:
    with database.begin() as connection:
        connection.execute(update(INVOICES).values(sealed=None))

    assert [each.personal for each in client.invoices()] == [{}, {}, {}, {}]


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 5])
def test_invoices_are_read_in_batches_without_loss(
    migrated_url: str, fetched: str, batch: int
) -> None:
    for choice in (Choice(), Choice(reference="order-1")):
        found = stored_invoices(migrated_url, choice, batch=batch)

        assert [(each.id, len(each.transactions)) for each in found] == [
            (1, 0), (3, 2), (4, 0), (2**62, 0),
        ]  # fmt: skip


def test_invoices_of_an_operation_are_those_of_its_current_attempt(
    client: Client, database: Database, fetched: str
) -> None:
    store(database, fetched, [invoice(3), invoice(7)], attempt=2)
    with database.begin() as connection:
        connection.execute(update(OPERATIONS).values(attempt=2))

    assert ids(client.invoices("order-1")) == [3, 7]
    assert ids(client.invoices("order-1", attempt=1)) == [1, 3, 4, 2**62]
    assert ids(client.invoices("order-1", attempt=3)) == []
    assert ids(client.invoices("order-2")) == []
    assert ids(client.invoices()) == [1, 3, 4, 7, 2**62]


def test_invoices_since_a_time_are_those_that_were_seen_since(
    client: Client, database: Database, fetched: str
) -> None:
    seen = NOW + timedelta(hours=1)
    store(database, fetched, [invoice(4), invoice(9)], now=seen)
    moscow = seen.astimezone(timezone(timedelta(hours=3)))

    assert ids(client.invoices(since=moscow)) == [4, 9]
    assert ids(client.invoices("order-1", since=seen + timedelta(microseconds=1))) == []


def test_invoices_refuse_what_cannot_be_meant(client: Client) -> None:
    with pytest.raises(ValueError, match="zone"):
        client.invoices(since=datetime(2026, 11, 21))  # noqa: DTZ001 - that is refused
    with pytest.raises(ValueError, match="reference"):
        client.invoices(attempt=1)


def test_invoices_need_a_database_to_read_from() -> None:
    client = Client(BROKER, [KEY])

    with pytest.raises(ValueError, match="database_url"):
        client.invoices()
    client.close()


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all.sqlite3", "postgres://uprid@127.0.0.1:1/none"]
)
def test_invoices_say_that_the_database_is_away(url: str) -> None:
    client = Client(BROKER, [KEY], database_url=url)

    with pytest.raises(DatabaseUnavailable):
        list(client.invoices())
    client.close()
