"""Leases and locks: which processes are alive, and what is freed when one is not."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from uprid_client.contract.events import EventType
from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.event_data import Details
from worker.domain.outcomes import Reason
from worker.store import snapshots, transitions
from worker.store.claims import SUSPECTS
from worker.store.dialects import insert_into
from worker.store.tables import INCARNATIONS, LOCKS, OPERATIONS
from worker.store.transitions import Record

#: Claims in a row without a write-back after which an operation waits for a person.
POISON_AFTER = 4


def beat(
    connection: Connection, *, incarnation: str, role: str, host: str, pid: int, now: datetime
) -> bool:
    """Record that a worker process is alive; return True where its row had to be made.

    That is the first beat, or one after the others called the process silent.
    """
    alive = connection.execute(
        update(INCARNATIONS).where(INCARNATIONS.c.id == incarnation).values(beat_at=now)
    )
    is_new = alive.rowcount == 0
    if is_new:
        connection.execute(
            insert(INCARNATIONS).values(
                id=incarnation, role=role, host=host, pid=pid, started_at=now, beat_at=now
            )
        )
    return is_new


def leave(connection: Connection, incarnation: str) -> None:
    """Remove a process that stops: what it still holds is free at once."""
    connection.execute(delete(INCARNATIONS).where(INCARNATIONS.c.id == incarnation))
    _free(connection, [incarnation])


def free_silent(connection: Connection, now: datetime, silence: timedelta) -> int:
    """Free the leases of workers that have not beaten for `silence`; return how many."""
    # In one statement: a process that beats while this waits for its row is found alive.
    silent = list(
        connection.execute(
            delete(INCARNATIONS)
            .where(INCARNATIONS.c.beat_at < now - silence)
            .returning(INCARNATIONS.c.id)
        ).scalars()
    )
    # A lease whose owner has no row at all has no owner.
    orphaned = connection.execute(
        select(OPERATIONS.c.lease_owner)
        .where(
            OPERATIONS.c.lease_owner.is_not(None),
            OPERATIONS.c.lease_owner.not_in(select(INCARNATIONS.c.id)),
        )
        .distinct()
    ).scalars()
    gone = [*silent, *(owner for owner in orphaned if owner is not None)]
    if not gone:
        return 0
    return _free(connection, gone)


def park_poison(connection: Connection, now: datetime) -> list[str]:
    """Move operations to a person that were claimed repeatedly and never written back.

    Returns the references.
    """
    rows = connection.execute(
        select(*snapshots.COLUMNS)
        .where(SUSPECTS, OPERATIONS.c.claims >= POISON_AFTER, OPERATIONS.c.lease_token.is_(None))
        .with_for_update()
    )
    reason = Reason(
        ReasonCode.POISON,
        f"The worker died {POISON_AFTER} times in a row while working on this operation.",
        retryable=True,
    )
    record = Record(
        attempt={"reason": reason.as_text()},
        event=EventType.WAITING_FOR_PERSON,
        details=Details(reason),
    )
    poison = [snapshots.snapshot(row) for row in rows.all()]
    for found in poison:
        parked = replace(
            found,
            state=State.WAITING_FOR_PERSON,
            waiting_from=found.state,
            due_at=None,
            claims=0,
        )
        transitions.make(connection, found, parked, record, now)
    return [found.reference for found in poison]


def hold_lock(
    connection: Connection, name: str, holder: str, now: datetime, lasting: timedelta
) -> bool:
    """Take or keep a lock for a while; False where another process holds it."""
    until = now + lasting
    taken = connection.execute(
        insert_into(connection, LOCKS)
        .values(name=name, holder=holder, until=until)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"holder": holder, "until": until},
            where=(LOCKS.c.until < now) | (LOCKS.c.holder == holder),
        )
        .returning(LOCKS.c.holder)
    ).first()
    return taken is not None


def drop_lock(connection: Connection, name: str, holder: str) -> None:
    """Let go of a lock before its time."""
    connection.execute(delete(LOCKS).where(LOCKS.c.name == name, LOCKS.c.holder == holder))


def _free(connection: Connection, owners: list[str]) -> int:
    freed = connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.lease_owner.in_(owners))
        .values(lease_token=None, lease_owner=None)
    )
    return freed.rowcount


def lease_ids_of(connection: Connection, incarnation: str) -> list[str]:
    """Return the lease ids under which a process holds leases."""
    found = connection.execute(
        select(OPERATIONS.c.lease_token).where(OPERATIONS.c.lease_owner == incarnation).distinct()
    ).scalars()
    return [lease_id for lease_id in found if lease_id is not None]


def free_uncounted(connection: Connection, lease_ids: list[str]) -> None:
    """Free the leases of chunks that were given up, as if they had never been claimed."""
    if lease_ids:
        connection.execute(
            update(OPERATIONS)
            .where(OPERATIONS.c.lease_token.in_(lease_ids))
            .values(lease_token=None, lease_owner=None, claims=OPERATIONS.c.claims - 1)
        )


def free_counted(connection: Connection, lease_ids: list[str]) -> None:
    """Free the leases of chunks that one of their operations may have ended: claims count on."""
    if lease_ids:
        connection.execute(
            update(OPERATIONS)
            .where(OPERATIONS.c.lease_token.in_(lease_ids))
            .values(lease_token=None, lease_owner=None)
        )
