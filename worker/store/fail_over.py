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
_CODE_WAITS: Final = OPERATIONS.c.missing.is_not(None) & (OPERATIONS.c.inputs_waiting > 0)
_CODES: Final = (OPERATIONS.c.state == State.POLLING.value) & _CODE_WAITS
#: An engineer's resume may be lost with what was sent after it, and would send that again.
_RESUMED: Final = (OPERATIONS.c.state == State.WAITING_FOR_PERSON.value) & or_(
    OPERATIONS.c.waiting_from == State.ACCEPTED.value, _CODE_WAITS
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """From when on commits may be lost, who says so, and why.

    `was_paused`: providers that were paused then and stayed paused.
    """

    since: datetime
    by: str
    note: str
    was_paused: frozenset[str] = frozenset()


def paused(database: Database, since: datetime) -> Mapping[str, datetime]:
    """Return since when providers are paused that were paused already at a time.

    That proves nothing: an engineer may have unpaused one afterwards, in a commit that is lost.
    """
    wanted = select(PROVIDERS.c.name, PROVIDERS.c.paused_at).where(PROVIDERS.c.paused_at <= since)
    with database.read() as connection:
        return {row.name: row.paused_at for row in connection.execute(wanted)}


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
                if found.state is State.WAITING_FOR_PERSON:
                    transitions.adjust(connection, found, _doubt_of_waiting(found, now))
                    journal.write(connection, [cause])
                else:
                    doubt = _doubt(found, now)
                    transitions.make(connection, found, doubt, Record(cause=cause), now)
            connection.execute(
                update(INPUTS)
                .where(
                    INPUTS.c.operation_id.in_(
                        [found.id for found in doubted if found.missing is not None]
                    ),
                    INPUTS.c.sent_at.is_(None),
                )
                .values(sent_at=now, sealed=None)
            )
        done.update(found.provider for found in doubted)
        if len(rows) < _AT_ONCE:
            return done


def _doubted(recovery: Recovery, now: datetime) -> Select[Any]:
    due: ColumnElement[bool] = _SUBMITS & (OPERATIONS.c.due_at <= now)
    return (
        select(*snapshots.COLUMNS)
        .where(or_(due, _CODES, _RESUMED), OPERATIONS.c.provider.not_in(recovery.was_paused))
        .order_by(OPERATIONS.c.id)
    )


def _doubt(found: Snapshot, now: datetime) -> Snapshot:
    """Return how an operation stands that may have sent a submit or a code."""
    free = replace(found, due_at=now, lease_id=None, lease_owner=None, claims=0)
    if found.state is State.ACCEPTED:
        return replace(free, state=State.SUBMITTING)
    return replace(_with_codes_sent(free, now), lane=ORDINARY)


def _doubt_of_waiting(found: Snapshot, now: datetime) -> Snapshot:
    """Return an operation that waits for a person as one whose resume asks and sends nothing."""
    if found.waiting_from is State.ACCEPTED:
        found = replace(found, waiting_from=State.SUBMITTING)
    return found if found.missing is None else _with_codes_sent(found, now)


def _with_codes_sent(found: Snapshot, now: datetime) -> Snapshot:
    return replace(
        found,
        missing=None,
        inputs_sent=found.inputs_sent + found.inputs_waiting,
        inputs_waiting=0,
        input_sent_at=now,
    )
