"""Invoices for tests: as a plugin reads them, stored through the store, read from the tables."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import RowMapping, select
from sqlalchemy.sql.schema import Table

from tests.support.engine.operations import NOW
from uprid_client.sealing import Sealer
from worker.domain.invoices import Invoice, Money, Transaction, sealed_invoices
from worker.store import invoices
from worker.store.database import Database

KEY = Fernet.generate_key().decode()
SEALER = Sealer([KEY])


def money(amount: str, currency: str = "RUB") -> Money:
    return Money(Decimal(amount), currency)


def transaction(number: int, **changes: Any) -> Transaction:
    given: dict[str, Any] = {
        "id": number, "number": 2_036_160_602, "state": "Confirm", "payment_type": "Purchase",
        "created_at": NOW - timedelta(hours=2), "paid": money("11.1100"),
        "received": money("10.6200"), "personal": {"Comment": f"Возврат {number}"},
    }  # fmt: skip
    return Transaction(**{**given, **changes})


def invoice(number: int, **changes: Any) -> Invoice:
    given: dict[str, Any] = {
        "id": number, "state": "Paid", "created_at": NOW - timedelta(hours=3),
        "changed_at": NOW - timedelta(hours=1), "expires_at": None, "amount": money("11.0000"),
        "current": money("0.0000"), "surcharge": money("0"), "eshop_id": 450_063,
        "order": f"order {number}", "transactions": (),
        "personal": {"OwnerFIO": "Небывал Пётр", "OwnerEmail": "n@example.ru"},
    }  # fmt: skip
    return Invoice(**{**given, **changes})


def later(minutes: float) -> datetime:
    """A ChangeDate so many minutes after that of `invoice`."""
    return NOW - timedelta(hours=1) + timedelta(minutes=minutes)


def store(
    database: Database,
    operation_id: str,
    fetched: Sequence[Invoice],
    *,
    attempt: int = 1,
    now: datetime = NOW,
) -> None:
    """Store a page as the engine does."""
    page = sealed_invoices(fetched, SEALER.seal_bytes)
    with database.begin() as connection:
        invoices.upsert(connection, operation_id, attempt, page, now)


def rows(database: Database, table: Table) -> list[RowMapping]:
    """Return a table's rows, sorted by their key."""
    with database.read() as connection:
        found = connection.execute(select(table).order_by(*table.primary_key.columns))
        return list(found.mappings())
