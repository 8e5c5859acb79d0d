"""Write-back: what a chunk learned goes to the database in bulk, fenced by the lease.

Only rows that still carry the chunk's token are written, and only for those are events told. The
others belong to somebody else by now: their answers come back to the caller as late.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from worker.domain.event_data import tell
from worker.domain.events import EventType
from worker.domain.states import TERMINAL, State
from worker.store import input_delivery, inputs, invoices, journal, notifications
from worker.store.bulk import Bulk, Column
from worker.store.changes import Move, Stay
from worker.store.tables import OPERATIONS, OUTBOX

_FREED: Final = "lease_token = NULL, lease_owner = NULL, claims = 0"

#: The fence. As a CASE, so that it is not estimated: by PostgreSQL's statistics no row has a lease,
#: so it would expect one row, scan the table, and read the JSON anew for each.
_OURS: Final = "CASE WHEN o.lease_token = :token THEN TRUE ELSE FALSE END"

#: An input that came while another one's verdict was awaited, or while the row was leased. One that
#: was returned waits for its time: whoever did not take it is given a rest.
_SUPPLIED: Final = "v.now_missing IS NOT NULL AND v.returned = 0 AND o.inputs_waiting > 0"
#: A notification came while the question was asked that this end is the answer to.
_SPOKEN_OF: Final = "v.yields = 1 AND o.notices > v.notices"
#: Somebody asked for it while it was leased, or for its next input: it must be woken now.
_WANTED: Final = (
    "(wanted_at IS NOT NULL OR (missing IS NOT NULL AND inputs_waiting > 0))"
    " AND due_at IS NOT NULL AS wanted"
)

_STAY: Final = Bulk(
    f"""
    UPDATE operation AS o SET {_FREED},
        due_at = CASE WHEN o.wanted_at < v.next_at THEN o.wanted_at ELSE v.next_at END,
        polls = v.polls, faults = v.faults, progress = v.progress,
        run_note = v.run_note, run_first_at = v.run_first_at, run_last_at = v.run_last_at,
        run_count = v.run_count, run_slowest = v.run_slowest
    FROM {{rows}} WHERE o.id = v.row_id AND {_OURS} RETURNING id, {_WANTED}
    """,  # noqa: S608 - constants only
    (
        Column("row_id", "text"),
        Column("next_at", "timestamptz"),
        Column("polls", "integer"),
        Column("faults", "integer"),
        Column("progress", "text"),
        Column("run_note", "text"),
        Column("run_first_at", "timestamptz"),
        Column("run_last_at", "timestamptz"),
        Column("run_count", "integer"),
        Column("run_slowest", "integer"),
    ),
)

_MOVE: Final = Bulk(
    f"""
    UPDATE operation AS o SET {_FREED},
        state = CASE WHEN {_SPOKEN_OF} THEN o.state ELSE v.next_state END,
        deadline_at = v.deadline_at,
        lane = CASE WHEN {_SPOKEN_OF} THEN o.lane WHEN {_SUPPLIED} THEN 0 ELSE v.lane END,
        due_at = CASE
            WHEN {_SPOKEN_OF} THEN v.written_at
            WHEN v.next_at IS NULL THEN NULL
            WHEN {_SUPPLIED} THEN v.written_at
            WHEN o.wanted_at < v.next_at THEN o.wanted_at
            ELSE v.next_at
        END,
        missing = CASE WHEN {_SPOKEN_OF} THEN o.missing ELSE v.now_missing END,
        inputs_sent = o.inputs_sent - v.returned,
        inputs_waiting = o.inputs_waiting + v.returned,
        provider_ref = v.provider_ref, polls = v.polls, faults = v.faults,
        progress = CASE WHEN {_SPOKEN_OF} THEN o.progress ELSE v.progress END,
        waiting_from = CASE
            WHEN {_SPOKEN_OF} THEN NULL
            WHEN v.next_state = 'waiting_for_person' THEN o.state
        END,
        started_at = COALESCE(v.started_at, o.started_at),
        finished_at = CASE WHEN {_SPOKEN_OF} THEN NULL ELSE v.finished_at END,
        sequence = o.sequence + CASE WHEN {_SPOKEN_OF} THEN 0 ELSE v.events END,
        run_note = NULL, run_first_at = NULL, run_last_at = NULL, run_count = 0, run_slowest = 0
    FROM {{rows}} WHERE o.id = v.row_id AND {_OURS}
    RETURNING id, state, sequence, inputs_sent + inputs_waiting AS supplied, {_WANTED}
    """,  # noqa: S608 - constants only
    (
        Column("row_id", "text"),
        Column("next_state", "text"),
        Column("lane", "integer"),
        Column("next_at", "timestamptz"),
        Column("deadline_at", "timestamptz"),
        Column("provider_ref", "text"),
        Column("polls", "integer"),
        Column("faults", "integer"),
        Column("progress", "text"),
        Column("started_at", "timestamptz"),
        Column("finished_at", "timestamptz"),
        Column("events", "integer"),
        Column("now_missing", "text"),
        Column("returned", "integer"),
        Column("written_at", "timestamptz"),
        Column("yields", "integer"),
        Column("notices", "integer"),
    ),
)

_ATTEMPT: Final = Bulk(
    """
    UPDATE attempt AS a SET
        provider_ref = COALESCE(v.provider_ref, a.provider_ref),
        started_at = COALESCE(v.started_at, a.started_at),
        finished_at = COALESCE(v.finished_at, a.finished_at),
        ended_as = COALESCE(v.ended_as, a.ended_as),
        reason = COALESCE(v.reason, a.reason), result = COALESCE(v.result, a.result),
        answer = COALESCE(v.answer, a.answer)
    FROM {rows} WHERE a.operation_id = v.operation_id AND a.number = v.number
    """,
    (
        Column("operation_id", "text"),
        Column("number", "integer"),
        Column("provider_ref", "text"),
        Column("started_at", "timestamptz"),
        Column("finished_at", "timestamptz"),
        Column("ended_as", "text"),
        Column("reason", "text"),
        Column("result", "text"),
        Column("answer", "text"),
    ),
)


def mark_submitting(
    connection: Connection, operation_id: str, attempt: int, token: str, now: datetime
) -> bool:
    """Record that a submit is about to be sent; False where the lease is lost and it must not be.

    Committed before the call: whoever finds the operation like this knows that the call may have
    been made (promise 3), and asks instead of repeating it.
    """
    written = connection.execute(
        update(OPERATIONS)
        .where(
            OPERATIONS.c.id == operation_id,
            OPERATIONS.c.lease_token == token,
            OPERATIONS.c.state == State.ACCEPTED.value,
        )
        .values(state=State.SUBMITTING.value)
    )
    if written.rowcount != 1:
        return False
    moved = f"{State.ACCEPTED} → {State.SUBMITTING}"
    journal.write(connection, [journal.move(operation_id, attempt, moved, now)])
    return True


def write_stays(connection: Connection, token: str, stays: Sequence[Stay]) -> dict[str, bool]:
    """Write the operations that stay where they are.

    Returns the ids that were ours to write, and whether each is wanted at once.
    """
    if not stays:
        return {}
    statement, rows = _STAY.on(
        [
            (
                stay.claimed.id, stay.due_at, stay.polls, stay.faults, stay.progress,
                stay.run.note, stay.run.first_at, stay.run.last_at, stay.run.count,
                stay.run.slowest,
            )
            for stay in stays
        ],
        sqlite=connection.dialect.name == "sqlite",
    )  # fmt: skip
    written = {
        row.id: bool(row.wanted) for row in connection.execute(statement, {**rows, "token": token})
    }
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


def write_moves(
    connection: Connection, token: str, moves: Sequence[Move], now: datetime
) -> dict[str, bool]:
    """Write states, attempts, journal and events together.

    Returns the ids that were ours to write, and whether each is wanted at once. An end that yields
    to a notification is not written, and wanted at once.
    """
    if not moves:
        return {}
    sqlite = connection.dialect.name == "sqlite"
    statement, rows = _MOVE.on([_operation_row(move, now) for move in moves], sqlite=sqlite)
    stand = {row.id: row for row in connection.execute(statement, {**rows, "token": token})}
    written = {id_: bool(row.wanted) for id_, row in stand.items()}
    mine = [move for move in moves if move.claimed.id in stand]
    ours = [move for move in mine if stand[move.claimed.id].state == move.state.value]
    yielded = [move for move in mine if stand[move.claimed.id].state != move.state.value]
    journal.write(connection, (row for move in yielded for row in _calls(move)))
    written |= dict.fromkeys((move.claimed.id for move in yielded), True)
    if ours:
        _store(connection, (move for move in ours if move.records))
        ours = [_completed(connection, move) for move in ours]
        _settle_inputs(connection, ours, {id_ for id_, row in stand.items() if row.supplied})
        statement, rows = _ATTEMPT.on([_attempt_row(move) for move in ours], sqlite=sqlite)
        connection.execute(statement, rows)
        journal.write(connection, (row for move in ours for row in _story(move, now)))
        _tell(connection, ours, {id_: row.sequence for id_, row in stand.items()}, now)
        for move in ours:
            if move.listens and notifications.attach(connection, move.claimed.id, now):
                written[move.claimed.id] = True
    return written


def write_late(connection: Connection, move: Move, now: datetime, event_id: str) -> bool:
    """Journal and tell, as event `event_id`, an answer that came after the end or without a lease.

    Returns False where its own events, or this one, stand in the outbox already: it is not late at
    all, or has been told. An earlier try got through although its commit was never confirmed.
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
    event = tell(EventType.LATE_ANSWER, move.standing, row.sequence, now, event_id)
    connection.execute(insert(OUTBOX), [event.row()])
    took = 0 if move.call is None else move.call.slowest
    note = f"answer came too late: {move.state}"
    if move.call is not None:
        note += f" ({move.call.note})"
    if move.provider_ref is not None and move.claimed.provider_ref is None:
        note += f", provider's id {move.provider_ref}"
    journal.write(
        connection, [journal.late(move.claimed.id, move.claimed.attempt, note, now, took)]
    )
    return True


def give_back(connection: Connection, token: str, ids: Sequence[str]) -> None:
    """Free operations that were claimed and not worked on: as if they had never been claimed."""
    if ids:
        connection.execute(
            update(OPERATIONS)
            .where(OPERATIONS.c.lease_token == token, OPERATIONS.c.id.in_(ids))
            .values(lease_token=None, lease_owner=None, claims=OPERATIONS.c.claims - 1)
        )


def let_go(connection: Connection, token: str, operation_id: str) -> None:
    """Free an operation whose answer the database refused.

    Its claims go on counting: where every answer is refused, it ends up before a person.
    """
    connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.lease_token == token, OPERATIONS.c.id == operation_id)
        .values(lease_token=None, lease_owner=None)
    )


def _store(connection: Connection, changes: Iterable[Stay | Move]) -> None:
    for change in changes:
        claimed = change.claimed
        run = change.run if isinstance(change, Stay) else change.call
        fetched_at = claimed.due_at if run is None else run.last_at
        invoices.upsert(connection, claimed.id, claimed.attempt, change.records, fetched_at)


def _completed(connection: Connection, move: Move) -> Move:
    if not move.tallied:
        return move
    tally = invoices.tally(connection, move.claimed.id, move.claimed.attempt)
    return replace(move, result={**move.result, **tally})


def _settle_inputs(connection: Connection, moves: Sequence[Move], supplied: set[str]) -> None:
    """Settle what was supplied; `supplied`: to whom anything was, be it while they were leased."""
    for move in moves:
        if move.claimed.input_id is not None:
            input_delivery.settle(connection, move.claimed.input_id, returned=move.input_returned)
        if move.state in TERMINAL and move.claimed.id in supplied:
            inputs.forget(connection, move.claimed.id)


def _operation_row(move: Move, now: datetime) -> tuple[Any, ...]:
    return (
        move.claimed.id, move.state.value, move.lane, move.due_at, move.deadline_at,
        move.provider_ref, move.polls, move.faults, move.progress, move.started_at,
        move.finished_at, len(move.events), move.missing, int(move.input_returned), now,
        int(move.yields), move.claimed.notices,
    )  # fmt: skip


def _attempt_row(move: Move) -> tuple[Any, ...]:
    ended = move.state in TERMINAL
    return (
        move.claimed.id,
        move.claimed.attempt,
        move.provider_ref,
        move.started_at,
        move.finished_at,
        move.state.value if ended else None,
        None if move.reason is None else move.reason.as_text(),
        json.dumps(dict(move.result)) if ended else None,
        move.answer,
    )


def _calls(move: Move) -> list[dict[str, Any]]:
    claimed = move.claimed
    runs = [run for run in (claimed.run, move.call) if run is not None]
    return [journal.call(claimed.id, claimed.attempt, run) for run in runs]


def _story(move: Move, now: datetime) -> list[dict[str, Any]]:
    claimed = move.claimed
    rows = _calls(move)
    if move.state is not claimed.state:
        note = f"{claimed.state} → {move.state}"
        if move.reason is not None:
            note += f": {move.reason.code}"
        rows.append(journal.move(claimed.id, claimed.attempt, note, now))
    return rows


def _tell(
    connection: Connection, moves: Sequence[Move], sequences: Mapping[str, int], now: datetime
) -> None:
    told = []
    for move in moves:
        first = sequences[move.claimed.id] - len(move.events) + 1
        told += [
            tell(kind, move.standing, first + place, now, event_id).row()
            for place, (kind, event_id) in enumerate(move.events)
        ]
    if told:
        connection.execute(insert(OUTBOX), told)
