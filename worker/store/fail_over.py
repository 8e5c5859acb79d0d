"""Recovering: after a fail-over that lost commits, what may have been sent is put in doubt."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, or_, select, update

from uprid_client.contract.states import State
from worker.domain.snapshot import Snapshot
from worker.store import journal, snapshots, transitions
from worker.store.claims import ORDINARY
from worker.store.database import Database
from worker.store.journal import Act, Deed
from worker.store.tables import INPUTS, OPERATIONS, PROVIDERS
from worker.store.transitions import Record

#: Operations in one transaction, so that it does not hold others up.
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

    A submit is settled by a question and not sent again. A code counts as sent, and the provider is
    asked for the state. The rest goes on as after a submit whose answer was lost.
    """
    now = database.now()
    note = f"recover: commits since {recovery.since:%Y-%m-%dT%H:%M:%SZ} may be lost"
    deed = Deed(Act.RECOVER, note, recovery.by, recovery.note)
    done: Counter[str] = Counter()
    while True:
        with database.begin() as connection:
            wanted = _doubted(recovery, now).limit(_AT_ONCE).with_for_update(of=OPERATIONS)
            rows = connection.execute(wanted).all()
            doubted = [snapshots.snapshot(row) for row in rows]
            for found in doubted:
                cause = journal.person(found.id, found.attempt, deed, now)
                doubt = _doubt(found, now)
                transitions.make(connection, found, doubt, Record(cause=cause), now)
            connection.execute(
                update(INPUTS)
                .where(
                    INPUTS.c.operation_id.in_(
                        [found.id for found in doubted if found.state is State.POLLING]
                    ),
                    INPUTS.c.sent_at.is_(None),
                )
                .values(sent_at=now, sealed=None)
            )
        done.update(found.provider for found in doubted)
        if len(rows) < _AT_ONCE:
            return done


def _doubted(recovery: Recovery, now: datetime) -> Select[Any]:
    # A provider that was paused all the time was sent nothing.
    paused = select(PROVIDERS.c.name).where(PROVIDERS.c.paused_at <= recovery.since)
    due: ColumnElement[bool] = _SUBMITS & (OPERATIONS.c.due_at <= now)
    return (
        select(*snapshots.COLUMNS)
        .where(or_(due, _CODES), OPERATIONS.c.provider.not_in(paused))
        .order_by(OPERATIONS.c.id)
    )


def _doubt(found: Snapshot, now: datetime) -> Snapshot:
    """Return how an operation stands that may have sent a submit or a code."""
    free = replace(found, due_at=now, lease_id=None, lease_owner=None, claims=0)
    if found.state is State.ACCEPTED:
        return replace(free, state=State.SUBMITTING)
    return replace(
        free,
        missing=None,
        inputs_sent=found.inputs_sent + found.inputs_waiting,
        inputs_waiting=0,
        input_sent_at=now,
        lane=ORDINARY,
    )
