"""Operations put into the store in bulk, as intake and submit would have left them."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Table, insert, text

from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.ids import new_id
from worker.store.claims import ORDINARY
from worker.store.database import Database
from worker.store.tables import ATTEMPTS, JOURNAL, OPERATIONS, OUTBOX

_BATCH: Final = 5_000
_DEADLINE: Final = timedelta(minutes=700)


def put(database: Database, dues: Sequence[datetime | None], *, first_id: int = 1) -> None:
    """Store one polling operation a due time, their asyncIds counting up from `first_id`."""
    now = database.now()
    for start in range(0, len(dues), _BATCH):
        operations = [
            _operation(first_id + start + place, due, now)
            for place, due in enumerate(dues[start : start + _BATCH])
        ]
        with database.begin() as connection:
            connection.execute(insert(OPERATIONS), operations)
            connection.execute(insert(ATTEMPTS), [_attempt(row, now) for row in operations])
    analyze(database, ["operation", "attempt"])


def clear(database: Database) -> None:
    """Drop all operations and their events."""
    for table in (OPERATIONS, ATTEMPTS, JOURNAL, OUTBOX):
        empty(database, table)


def empty(database: Database, table: Table) -> None:
    verb = "DELETE FROM" if database.is_sqlite else "TRUNCATE"
    # One lock at a time: the worker's own rounds go on meanwhile.
    with database.begin() as connection:
        connection.execute(text(f"{verb} {table.name}"))


def analyze(database: Database, tables: Iterable[str]) -> None:
    """Tell the planner what is there now: autovacuum would come too late for a short run."""
    for table in tables:
        with database.begin() as connection:
            connection.execute(text(f"ANALYZE {table}"))


def _operation(async_id: int, due: datetime | None, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "reference": f"bench-{async_id}",
        "provider": Provider.MONETA.value,
        "kind": "identification",
        "state": State.POLLING.value,
        "attempt": 1,
        "args": json.dumps({"unit_id": async_id}),
        "provider_ref": str(async_id),
        "lane": ORDINARY,
        "due_at": due,
        "deadline_at": now + _DEADLINE,
        "claims": 0,
        "polls": 0,
        "faults": 0,
        "sequence": 2,
        "created_at": now,
        "started_at": now,
        "run_count": 0,
        "run_slowest": 0,
    }


def _attempt(operation: dict[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "operation_id": operation["id"],
        "number": 1,
        "fingerprint": "0" * 64,
        "accepted_at": now,
        "started_at": now,
        "provider_ref": operation["provider_ref"],
    }
