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
    transitions,
)
from worker.store.bulk import TEXT, TIME, Bulk, columns_of
from worker.store.changes import Transition, Unchanged
from worker.store.tables import OPERATIONS, OUTBOX
from worker.store.transitions import FREED, OURS, SOONER, WANTED

_OPEN_RUN: Final = columns_of(
    OPERATIONS, "run_note", "run_first_at", "run_last_at", "run_count", "run_slowest"
)
_GIVEN: Final = columns_of(OPERATIONS, "polls", "faults", "progress") | _OPEN_RUN
_SET_GIVEN: Final = ", ".join(f"{name} = v.{name}" for name in _GIVEN)

_STAY: Final = Bulk(
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
    return transitions.advance(connection, held, State.SUBMITTING, lease_id, now)


def write_unchanged(
    connection: Connection, lease_id: str, stays: Sequence[Unchanged]
) -> dict[str, bool]:
    """Write the operations that stay where they are.

    Returns the ids that were ours to write, and whether each is wanted at once.
    """
    if not stays:
        return {}
    rows = _STAY.execute(connection, (_as_row(stay) for stay in stays), lease_id=lease_id)
    written = {row.id: bool(row.wanted) for row in rows}
    _store(connection, (stay for stay in stays if stay.records and stay.claimed.id in written))
    journal.write(
        connection,
        (
            journal.call(stay.claimed.id, stay.claimed.attempt, stay.closed)
            for stay in stays
            if stay.closed is not None and stay.claimed.id in written
        ),
    )
    return written


def write_transitions(
    connection: Connection, lease_id: str, moves: Sequence[Transition], now: datetime
) -> dict[str, bool]:
    """Write states, attempts, journal and events together.

    Returns the ids that were ours to write, and whether each is wanted at once. An end that yields
    to a notification is not written, and wanted at once.
    """
    if not moves:
        return {}

    def complete(ours: Sequence[Transition], supplied: frozenset[str]) -> Sequence[Transition]:
        _store(connection, (move for move in ours if move.records))
        completed = [_completed(connection, move) for move in ours]
        _settle_inputs(connection, completed, supplied)
        return completed

    written = transitions.make_all(connection, lease_id, moves, now, complete)
    wanted = {**written.moved, **dict.fromkeys(written.yielded, True)}
    for move in moves:
        id_ = move.claimed.id
        if (
            move.accepts_notifications
            and id_ in written.moved
            and notifications.attach(connection, id_, now)
        ):
            wanted[id_] = True
    return wanted


def write_late(connection: Connection, move: Transition, now: datetime, event_id: str) -> bool:
    """Journal and publish, as event `event_id`, an answer that came after the end or the lease.

    Returns False where its own events, or this one, stand in the outbox already: it is not late at
    all, or has been published. An earlier try got through although its commit was never confirmed.
    """
    ids = [event_id, *(own for _, own in move.events)]
    if connection.execute(select(OUTBOX.c.id).where(OUTBOX.c.id.in_(ids))).first():
        return False
    row = connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id == move.claimed.id)
        .values(sequence=OPERATIONS.c.sequence + 1)
        .returning(OPERATIONS.c.sequence)
    ).one()
    stands = move.after(row.sequence)
    event = operation_event(EventType.LATE_ANSWER, stands, move.details, now, event_id)
    outbox.add(connection, event)
    took = 0 if move.call is None else move.call.slowest
    note = f"answer came too late: {move.state}"
    if move.call is not None:
        note += f" ({move.call.note})"
    if move.provider_ref is not None and move.claimed.provider_ref is None:
        note += f", provider's id {move.provider_ref}"
    claimed = move.claimed
    late = journal.late_answer(claimed.id, claimed.attempt, move.state, note, now, took)
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
        claimed = change.claimed
        run = change.run if isinstance(change, Unchanged) else change.call
        fetched_at = claimed.due_at if run is None else run.last_at
        invoices.upsert(connection, claimed.id, claimed.attempt, change.records, fetched_at)


def _completed(connection: Connection, move: Transition) -> Transition:
    if not move.with_totals:
        return move
    tally = invoices.tally(connection, move.claimed.id, move.claimed.attempt)
    return replace(move, result={**move.result, **tally})


def _settle_inputs(
    connection: Connection, moves: Sequence[Transition], supplied: frozenset[str]
) -> None:
    """Settle what was supplied; `supplied`: to whom anything was, be it while they were leased."""
    for move in moves:
        if move.claimed.input_id is not None:
            input_delivery.settle(connection, move.claimed.input_id, returned=move.input_returned)
        if move.state in TERMINAL and move.claimed.id in supplied:
            inputs.forget(connection, move.claimed.id)


def _as_row(stay: Unchanged) -> dict[str, Any]:
    return {
        "row_id": stay.claimed.id,
        "next_at": stay.due_at,
        "polls": stay.polls,
        "faults": stay.faults,
        "progress": stay.progress,
        "run_note": stay.run.note,
        "run_first_at": stay.run.first_at,
        "run_last_at": stay.run.last_at,
        "run_count": stay.run.count,
        "run_slowest": stay.run.slowest,
    }
