"""Recovering: after a fail-over that lost commits, what may have been sent is put in doubt."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, Select, or_, select, update

from worker.domain.states import State
from worker.store import journal
from worker.store.claims import ORDINARY
from worker.store.database import Database
from worker.store.tables import INPUTS, OPERATIONS, PROVIDERS

#: Operations in one transaction, so that it holds nobody up.
_AT_ONCE: Final = 500
#: Its submit was marked, perhaps, and sent: both after the last commit that is left.
_SUBMITS: Final = OPERATIONS.c.state == State.ACCEPTED.value
_CODES: Final = (
    (OPERATIONS.c.state == State.POLLING.value)
    & OPERATIONS.c.missing.is_not(None)
    & (OPERATIONS.c.inputs_waiting > 0)
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """From when on commits may be lost, and who says so, why."""

    since: datetime
    by: str
    note: str


def find(database: Database, recovery: Recovery) -> Mapping[str, int]:
    """Return how many operations would be put in doubt, by provider. Changes nothing."""
    with database.read() as connection:
        rows = connection.execute(_doubted(recovery, database.now()))
        return Counter(row.provider for row in rows)


def recover(database: Database, recovery: Recovery) -> Mapping[str, int]:
    """Put in doubt what may have been sent; return of how many operations, by provider.

    A submit is cleared up and not sent, a code counts as sent and the provider is asked how it
    stands. Who is asked next, and by whom, is as after a submit whose answer was lost.
    """
    now = database.now()
    done: Counter[str] = Counter()
    while True:
        with database.begin() as connection:
            wanted = _doubted(recovery, now).limit(_AT_ONCE).with_for_update(of=OPERATIONS)
            rows = connection.execute(wanted).mappings().all()
            for row in rows:
                changes = _submit() if row["state"] == State.ACCEPTED.value else _code(row, now)
                connection.execute(
                    update(OPERATIONS)
                    .where(OPERATIONS.c.id == row["id"])
                    .values(due_at=now, lease_token=None, lease_owner=None, claims=0, **changes)
                )
            connection.execute(
                update(INPUTS)
                .where(
                    INPUTS.c.operation_id.in_(
                        [row["id"] for row in rows if row["state"] == State.POLLING.value]
                    ),
                    INPUTS.c.sent_at.is_(None),
                )
                .values(sent_at=now, sealed=None)
            )
            journal.write(connection, [each for row in rows for each in _story(row, recovery, now)])
        done.update(row["provider"] for row in rows)
        if len(rows) < _AT_ONCE:
            return done


def _doubted(recovery: Recovery, now: datetime) -> Select[Any]:
    # What was paused all the time sent nothing.
    paused = select(PROVIDERS.c.name).where(PROVIDERS.c.paused_at <= recovery.since)
    due: ColumnElement[bool] = _SUBMITS & (OPERATIONS.c.due_at <= now)
    return (
        select(*OPERATIONS.c)
        .where(or_(due, _CODES), OPERATIONS.c.provider.not_in(paused))
        .order_by(OPERATIONS.c.id)
    )


def _submit() -> Mapping[str, object]:
    return {"state": State.SUBMITTING.value}


def _code(row: RowMapping, now: datetime) -> Mapping[str, object]:
    return {
        "missing": None,
        "inputs_sent": row["inputs_sent"] + row["inputs_waiting"],
        "inputs_waiting": 0,
        "input_sent_at": now,
        "lane": ORDINARY,
    }


def _story(row: RowMapping, recovery: Recovery, now: datetime) -> list[dict[str, Any]]:
    id_, attempt = row["id"], row["attempt"]
    said = f"recover: commits since {recovery.since:%Y-%m-%dT%H:%M:%SZ} may be lost"
    rows = [journal.person(id_, attempt, said, now, recovery.by, recovery.note)]
    if row["state"] == State.ACCEPTED.value:
        moved = f"{State.ACCEPTED} → {State.SUBMITTING}"
        rows.append(journal.move(id_, attempt, moved, now))
    return rows
