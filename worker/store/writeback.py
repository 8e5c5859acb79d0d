"""Write-back: what a chunk learned goes to the database in bulk, fenced by the lease.

Only rows that still carry the chunk's lease are written, and only for those are events written. The
others belong to another chunk by now: their answers come back to the caller as late.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, select, update

from uprid_client.contract.events import EventType
from uprid_client.contract.states import TERMINAL, State
from worker.domain.event_data import operation_event
from worker.domain.snapshot import Snapshot
from worker.store import (
    input_delivery,
    inputs,
    invoices,
    journal,
    notifications,
    outbox,
)
from worker.store.bulk import TEXT, TIME, Bulk, columns_of
from worker.store.changes import Transition, Unchanged
from worker.store.tables import OPERATIONS, OUTBOX
from worker.store.transitions import FREED, OURS, SOONER, WANTED, advance, make_all

_OPEN_RUN: Final = columns_of(
    OPERATIONS, "run_note", "run_first_at", "run_last_at", "run_count", "run_slowest"
)
_GIVEN: Final = columns_of(OPERATIONS, "polls", "faults", "progress") | _OPEN_RUN
_SET_GIVEN: Final = ", ".join(f"{name} = v.{name}" for name in _GIVEN)

_UNCHANGED: Final = Bulk(
    f"""
    UPDATE operation AS o SET {FREED}, {_SET_GIVEN}, due_at = {SOONER}
    FROM {{rows}} WHERE o.id = v.row_id AND {OURS} RETURNING id, {WANTED}
    """,  # noqa: S608 - constants only
    {"row_id": TEXT, "next_at": TIME, **_GIVEN},
)


def mark_submitting(connection: Connection, held: Snapshot, lease_id: str, now: datetime) -> bool:
    """Record that a submit is about to be sent; False where the lease is lost and it must not be.

    Committed before the call: a process that finds the operation like this knows that the call may
    have been made (promise 3), and asks instead of repeating it.
    """
    return advance(connection, held, State.SUBMITTING, lease_id, now)


def write_unchanged(
    connection: Connection, lease_id: str, unchanged: Sequence[Unchanged]
) -> dict[str, bool]:
    """Write the operations that stay where they are.

    Returns the ids that were ours to write, and whether each is wanted at once.
    """
    if not unchanged:
        return {}
    rows = _UNCHANGED.execute(
        connection, (_as_row(change) for change in unchanged), lease_id=lease_id
    )
    written = {row.id: bool(row.wanted) for row in rows}
    _store(
        connection,
        (change for change in unchanged if change.records and change.snapshot.id in written),
    )
    journal.write(
        connection,
        (
            journal.call(change.snapshot.id, change.snapshot.attempt, change.closed)
            for change in unchanged
            if change.closed is not None and change.snapshot.id in written
        ),
    )
    return written


def write_transitions(
    connection: Connection, lease_id: str, transitions: Sequence[Transition], now: datetime
) -> dict[str, bool]:
    """Write states, attempts, journal and events together.

    Returns the ids that were ours to write, and whether each is wanted at once. An end that yields
    to a notification is not written, and wanted at once.
    """
    if not transitions:
        return {}

    def complete(ours: Sequence[Transition], supplied: frozenset[str]) -> Sequence[Transition]:
        _store(connection, (transition for transition in ours if transition.records))
        completed = [_completed(connection, transition) for transition in ours]
        _settle_inputs(connection, completed, supplied)
        return completed

    written = make_all(connection, lease_id, transitions, now, complete)
    wanted = {**written.moved, **dict.fromkeys(written.yielded, True)}
    for transition in transitions:
        id_ = transition.snapshot.id
        if (
            transition.accepts_notifications
            and id_ in written.moved
            and notifications.attach(connection, id_, now)
        ):
            wanted[id_] = True
    return wanted


def write_late(
    connection: Connection, transition: Transition, now: datetime, event_id: str
) -> bool:
    """Journal and publish, as event `event_id`, an answer that came after the end or the lease.

    Returns False where its own events, or this one, stand in the outbox already: it is not late at
    all, or has been published. An earlier try got through although its commit was never confirmed.
    """
    ids = [event_id, *(own for _, own in transition.events)]
    if connection.execute(select(OUTBOX.c.id).where(OUTBOX.c.id.in_(ids))).first():
        return False
    row = connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id == transition.snapshot.id)
        .values(sequence=OPERATIONS.c.sequence + 1)
        .returning(OPERATIONS.c.sequence)
    ).one()
    stands = transition.after(row.sequence)
    event = operation_event(EventType.LATE_ANSWER, stands, transition.details, now, event_id)
    outbox.add(connection, event)
    took = 0 if transition.call is None else transition.call.slowest
    note = f"answer came too late: {transition.state}"
    if transition.call is not None:
        note += f" ({transition.call.note})"
    if transition.provider_ref is not None and transition.snapshot.provider_ref is None:
        note += f", provider's id {transition.provider_ref}"
    snapshot = transition.snapshot
    late = journal.late_answer(snapshot.id, snapshot.attempt, transition.state, note, now, took)
    journal.write(connection, [late])
    return True


def give_back(connection: Connection, lease_id: str, ids: Sequence[str]) -> None:
    """Free operations that were claimed and not worked on: as if they had never been claimed."""
    if ids:
        connection.execute(
            update(OPERATIONS)
            .where(OPERATIONS.c.lease_token == lease_id, OPERATIONS.c.id.in_(ids))
            .values(lease_token=None, lease_owner=None, claims=OPERATIONS.c.claims - 1)
        )


def let_go(connection: Connection, lease_id: str, operation_id: str) -> None:
    """Free an operation whose answer the database refused.

    Its claims go on counting: where every answer is refused, it ends up before a person.
    """
    connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.lease_token == lease_id, OPERATIONS.c.id == operation_id)
        .values(lease_token=None, lease_owner=None)
    )


def _store(connection: Connection, changes: Iterable[Unchanged | Transition]) -> None:
    for change in changes:
        snapshot = change.snapshot
        run = change.run if isinstance(change, Unchanged) else change.call
        fetched_at = snapshot.due_at if run is None else run.last_at
        invoices.upsert(connection, snapshot.id, snapshot.attempt, change.records, fetched_at)


def _completed(connection: Connection, transition: Transition) -> Transition:
    if not transition.with_totals:
        return transition
    tally = invoices.tally(connection, transition.snapshot.id, transition.snapshot.attempt)
    return replace(transition, result={**transition.result, **tally})


def _settle_inputs(
    connection: Connection, transitions: Sequence[Transition], supplied: frozenset[str]
) -> None:
    """Settle what was supplied; `supplied`: to whom anything was, be it while they were leased."""
    for transition in transitions:
        if transition.snapshot.input_id is not None:
            input_delivery.settle(
                connection, transition.snapshot.input_id, returned=transition.input_returned
            )
        if transition.state in TERMINAL and transition.snapshot.id in supplied:
            inputs.forget(connection, transition.snapshot.id)


def _as_row(change: Unchanged) -> dict[str, Any]:
    return {
        "row_id": change.snapshot.id,
        "next_at": change.due_at,
        "polls": change.polls,
        "faults": change.consecutive_failures,
        "progress": change.progress,
        "run_note": change.run.note,
        "run_first_at": change.run.first_at,
        "run_last_at": change.run.last_at,
        "run_count": change.run.count,
        "run_slowest": change.run.slowest,
    }
