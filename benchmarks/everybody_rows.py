"""Operations of all four providers, as intake, submits and earlier polls would have left them.

MONETA, Mandarin and IntellectMoney are polled again and again. NPD is not: it has starts all the
while, and operations past their deadline whose profile is asked for, which is a question to MONETA.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert

from benchmarks.rows import analyze
from uprid_client.contract.states import State
from uprid_client.names import Provider
from uprid_client.sealing import Sealer
from worker.domain.ids import new_id
from worker.store.claims import ORDINARY, URGENT
from worker.store.database import Database
from worker.store.tables import ATTEMPTS, OPERATIONS

#: By what is polled. NPD's are others.
POLLED: Final = (Provider.MONETA, Provider.MANDARIN, Provider.INTELLECTMONEY)
_DEADLINE: Final = timedelta(hours=10)
_FIRST_PHONE: Final = 79_000_000_000

#: An operation's row, and its sealed payload.
Row = tuple[dict[str, Any], str | None]


def polled(provider: Provider, dues: Iterable[datetime], now: datetime) -> Iterator[Row]:
    """Yield one polling operation a due time, named by their numbers."""
    is_registry = provider is Provider.INTELLECTMONEY
    for number, due in enumerate(dues, 1):
        filters = {"eshop_id": number, "page_size": 100}
        args = {"filters": filters} if is_registry else {"unit_id": number}
        row = _operation(provider, f"poll-{number}", now) | {
            "kind": "invoices" if is_registry else "identification",
            "state": State.POLLING.value,
            "lane": ORDINARY,
            "args": json.dumps({} if provider is Provider.MANDARIN else args),
            "provider_ref": str(number),
            "due_at": due,
            "started_at": now,
        }
        yield row, None


def starting(dues: Iterable[datetime], now: datetime, sealer: Sealer) -> Iterator[Row]:
    """Yield one accepted operation of NPD's a due time; they are named by their phones."""
    for number, due in enumerate(dues, 1):
        phone = str(_FIRST_PHONE + number)
        row = _operation(Provider.NPD, phone, now) | {"lane": URGENT, "due_at": due}
        yield row, sealer.seal(_person(phone))


def settling(dues: Iterable[datetime], now: datetime) -> Iterator[Row]:
    """Yield one operation of NPD's a due time whose end was never notified."""
    for number, due in enumerate(dues, 1):
        row = _operation(Provider.NPD, f"settle-{number}", now) | {
            "state": State.SETTLING.value,
            "lane": ORDINARY,
            "args": json.dumps({"unit_id": number}),
            "provider_ref": str(number),
            "due_at": due,
            "deadline_at": now,
            "started_at": now,
        }
        yield row, None


def put(database: Database, rows: Iterable[Row]) -> None:
    """Store operations with their attempts."""
    found = list(rows)
    with database.begin() as connection:
        connection.execute(insert(OPERATIONS), [row for row, _ in found])
        connection.execute(insert(ATTEMPTS), [_attempt(*each) for each in found])
    analyze(database, ["operation", "attempt"])


def _operation(provider: Provider, name: str, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "reference": f"{provider}-{name}",
        "provider": provider.value,
        "kind": "identification",
        "state": State.ACCEPTED.value,
        "attempt": 1,
        "args": "{}",
        "provider_ref": None,
        "deadline_at": now + _DEADLINE,
        "claims": 0,
        "polls": 0,
        "faults": 0,
        "sequence": 1,
        "created_at": now,
        "started_at": None,
        "run_count": 0,
        "run_slowest": 0,
    }


def _attempt(row: Mapping[str, Any], sealed: str | None) -> dict[str, Any]:
    return {
        "operation_id": row["id"],
        "number": 1,
        "fingerprint": "0" * 64,
        "sealed": sealed,
        "accepted_at": row["created_at"],
        "started_at": row["started_at"],
        "provider_ref": row["provider_ref"],
    }


def _person(phone: str) -> dict[str, Any]:
    return {
        "phone": phone,
        "first_name": "Выдумка",
        "last_name": "Мерилова",
        "middle_name": "Понарошковна",
        "birth_date": "1990-01-31",
        "passport": {"series": "0003", "number": "000001"},
    }
