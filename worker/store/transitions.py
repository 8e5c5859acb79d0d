"""Transitions: the only way in which an operation changes its state.

Each asks the table of transitions, and writes the operation's row, its attempt, the journal and the
outbox in the caller's transaction. One by one for what a person, a notification or the sweep does;
in bulk for what a chunk's answers make of its operations.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, update

from uprid_client.contract.events import EventType
from uprid_client.contract.states import TERMINAL, State
from worker.domain.errors import IllegalTransition
from worker.domain.event_data import Details, operation_event
from worker.domain.ids import new_id
from worker.domain.snapshot import Snapshot
from worker.domain.states import DRIVEN, RETRYABLE, is_allowed
from worker.store import journal, model_rows, outbox, snapshots
from worker.store.bulk import INTEGER, TEXT, TIME, Bulk, columns_of
from worker.store.changes import Transition
from worker.store.dialects import insert_into
from worker.store.tables import ATTEMPTS, OPERATIONS, Attempt

#: Nothing is said beside how the operation stands.
PLAIN: Final = Details()


@dataclass(frozen=True, slots=True)
class Record:
    """What is written of a transition beside the operation's own row."""

    #: Columns of the current attempt.
    attempt: Mapping[str, Any] = field(default_factory=dict)
    #: The journal's row of what the transition comes from: a person's action, a notification.
    cause: Mapping[str, Any] | None = None
    event: EventType | None = None
    details: Details = PLAIN


def require(before: Snapshot, after: Snapshot) -> None:
    """Raise `IllegalTransition` unless an operation may go from one to the other.

    Within an attempt the table of transitions says so; the next attempt begins as the table of
    retries has it.
    """
    if after.attempt == before.attempt:
        _require_allowed(before.state, after.state)
    elif not (
        after.attempt == before.attempt + 1
        and before.state in RETRYABLE
        and after.state is State.ACCEPTED
    ):
        raise IllegalTransition(f"{before.state} to attempt {after.attempt} in {after.state}.")


def create(connection: Connection, opened: Snapshot, attempt: Attempt, now: datetime) -> bool:
    """Store a new operation with its first attempt; False where its reference is used."""
    created = connection.execute(
        insert_into(connection, OPERATIONS)
        .values(**snapshots.as_row(opened))
        .on_conflict_do_nothing(index_elements=["reference"])
        .returning(OPERATIONS.c.id)
    ).first()
    if created is None:
        return False
    model_rows.add(connection, attempt)
    event = operation_event(EventType.ACCEPTED, opened, PLAIN, now, new_id())
    outbox.add(connection, event)
    journal.write(
        connection, [journal.transition(opened.id, opened.attempt, None, opened.state, now)]
    )
    return True


def make(
    connection: Connection, before: Snapshot, after: Snapshot, record: Record, now: datetime
) -> None:
    """Bring an operation whose row is locked from one snapshot to another.

    Where the state stays, only the journal's transition is left out.
    """
    require(before, after)
    if record.event is not None:
        after = replace(after, sequence=before.sequence + 1)
    connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id == before.id)
        .values(**snapshots.changed(before, after))
    )
    if record.attempt:
        connection.execute(
            update(ATTEMPTS)
            .where(ATTEMPTS.c.operation_id == after.id, ATTEMPTS.c.number == after.attempt)
            .values(**record.attempt)
        )
    journal.write(connection, _journal_rows(before, after, record, now))
    if record.event is not None:
        event = operation_event(record.event, after, record.details, now, new_id())
        outbox.add(connection, event)


def adjust(connection: Connection, before: Snapshot, after: Snapshot) -> None:
    """Write what changes of an operation whose row is locked, and which stays in its state."""
    if (after.state, after.attempt) != (before.state, before.attempt):
        raise IllegalTransition(f"{before.state} to {after.state}, unrecorded.")
    connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id == before.id)
        .values(**snapshots.changed(before, after))
    )


def advance(
    connection: Connection, held: Snapshot, to: State, lease_id: str, now: datetime
) -> bool:
    """Move an operation that is held under a lease; False where it is not held or not there."""
    _require_allowed(held.state, to)
    written = connection.execute(
        update(OPERATIONS)
        .where(
            OPERATIONS.c.id == held.id,
            OPERATIONS.c.lease_token == lease_id,
            OPERATIONS.c.state == held.state.value,
        )
        .values(state=to.value)
    )
    if written.rowcount != 1:
        return False
    recorded = journal.transition(held.id, held.attempt, held.state, to, now)
    journal.write(connection, [recorded])
    return True


#: What a write-back leaves of a lease.
FREED: Final = "lease_token = NULL, lease_owner = NULL, claims = 0"

#: The fence. As a CASE, so that it is not estimated: by PostgreSQL's statistics no row has a lease,
#: so it would expect one row, scan the table, and read the JSON anew for each.
OURS: Final = "CASE WHEN o.lease_token = :lease_id THEN TRUE ELSE FALSE END"

#: A hint that came while the row was leased counts where it is for an earlier time.
SOONER: Final = "CASE WHEN o.wanted_at < v.next_at THEN o.wanted_at ELSE v.next_at END"

#: It was asked for while it was leased, or its next input has come: it must be woken now.
WANTED: Final = (
    "(wanted_at IS NOT NULL OR (missing IS NOT NULL AND inputs_waiting > 0))"
    " AND due_at IS NOT NULL AS wanted"
)
#: An input that came while another one's verdict was awaited, or while the row was leased. One that
#: was returned waits for its time: the provider did not take it and is given a rest.
_SUPPLIED: Final = "v.now_missing IS NOT NULL AND v.returned = 0 AND o.inputs_waiting > 0"
#: A notification came while the question was asked that this end is the answer to.
_NOTIFIED_MEANWHILE: Final = "v.yields = 1 AND o.notices > v.known_notices"
_RUN_WRITTEN_OUT: Final = (
    "run_note = NULL, run_first_at = NULL, run_last_at = NULL, run_count = 0, run_slowest = 0"
)
#: Columns that get what the row of the bulk has under the same name.
_GIVEN: Final = columns_of(
    OPERATIONS,
    "waiting_from",
    "deadline_at",
    "provider_ref",
    "polls",
    "faults",
    "progress",
    "finished_at",
)
_SET_GIVEN: Final = ", ".join(f"{name} = v.{name}" for name in _GIVEN)

_TRANSITION: Final = Bulk(
    f"""
    UPDATE operation AS o SET {FREED}, {_RUN_WRITTEN_OUT}, {_SET_GIVEN},
        state = v.next_state,
        missing = v.now_missing,
        lane = CASE WHEN {_SUPPLIED} THEN 0 ELSE v.next_lane END,
        due_at = CASE
            WHEN v.next_at IS NULL THEN NULL
            WHEN {_SUPPLIED} THEN v.written_at
            ELSE {SOONER}
        END,
        inputs_sent = o.inputs_sent - v.returned,
        inputs_waiting = o.inputs_waiting + v.returned,
        started_at = COALESCE(v.began_at, o.started_at),
        sequence = o.sequence + v.events
    FROM {{rows}} WHERE o.id = v.row_id AND {OURS} AND NOT ({_NOTIFIED_MEANWHILE})
    RETURNING id, sequence, inputs_sent + inputs_waiting AS supplied, {WANTED}
    """,  # noqa: S608 - constants only
    {
        **_GIVEN,
        "row_id": TEXT,
        "next_state": TEXT,
        "next_lane": INTEGER,
        "next_at": TIME,
        "now_missing": TEXT,
        "began_at": TIME,
        "returned": INTEGER,
        "events": INTEGER,
        "written_at": TIME,
        "yields": INTEGER,
        "known_notices": INTEGER,
    },
)

#: Of an end that is not written: the question is asked again at once, with the notification.
_YIELD: Final = Bulk(
    f"""
    UPDATE operation AS o SET {FREED}, {_RUN_WRITTEN_OUT},
        due_at = v.written_at, polls = v.polls, faults = v.faults
    FROM {{rows}} WHERE o.id = v.row_id AND {OURS} RETURNING id
    """,  # noqa: S608 - constants only
    {"row_id": TEXT, "written_at": TIME, **columns_of(OPERATIONS, "polls", "faults")},
)

_KEPT_OR_GIVEN: Final = columns_of(
    ATTEMPTS,
    "provider_ref",
    "started_at",
    "finished_at",
    "ended_as",
    "reason",
    "result",
    "answer",
)
_SET_ATTEMPT: Final = ", ".join(f"{name} = COALESCE(v.{name}, a.{name})" for name in _KEPT_OR_GIVEN)
_ATTEMPT: Final = Bulk(
    f"""
    UPDATE attempt AS a SET {_SET_ATTEMPT}
    FROM {{rows}} WHERE a.operation_id = v.operation_id AND a.number = v.number
    """,  # noqa: S608 - constants only
    {**columns_of(ATTEMPTS, "operation_id", "number"), **_KEPT_OR_GIVEN},
)


@dataclass(frozen=True, slots=True)
class Written:
    """The result of a chunk's transitions; operations in neither field have lost their lease."""

    #: Whether each is wanted at once, by operation.
    moved: Mapping[str, bool]
    #: Ends that yielded to a notification.
    yielded: frozenset[str]


def make_all(
    connection: Connection,
    lease_id: str,
    transitions: Sequence[Transition],
    now: datetime,
    complete: Callable[[Sequence[Transition], frozenset[str]], Sequence[Transition]],
) -> Written:
    """Move the operations that are still held under the lease.

    `complete` is given the transitions that are being written, and which of their operations were
    supplied with inputs; it returns the transitions as they are to be recorded.
    """
    for each in transitions:
        _require_allowed(each.snapshot.state, each.state)
    rows = _TRANSITION.execute(
        connection, (_as_row(each, now) for each in transitions), lease_id=lease_id
    )
    found: dict[str, Row[Any]] = {row.id: row for row in rows}
    ours = [each for each in transitions if each.snapshot.id in found]
    missed = [each for each in transitions if each.snapshot.id not in found]
    yielding = [each for each in missed if each.yields_to_notification]
    yielded = _yield(connection, lease_id, yielding, now)
    if ours:
        ours = list(complete(ours, _supplied(found)))
        _ATTEMPT.execute(connection, (_attempt_row(each) for each in ours))
        journal.write(connection, (row for each in ours for row in _rows_of_transition(each, now)))
        _add_events(connection, ours, {id_: row.sequence for id_, row in found.items()}, now)
    return Written({id_: bool(row.wanted) for id_, row in found.items()}, yielded)


def _supplied(found: Mapping[str, Row[Any]]) -> frozenset[str]:
    return frozenset(id_ for id_, row in found.items() if row.supplied)


def _require_allowed(origin: State, to: State) -> None:
    # What the engine drives may also have an event, or be planned anew, in the state that it has.
    if not is_allowed(origin, to) and not (origin is to and origin in DRIVEN):
        raise IllegalTransition(f"{origin} to {to}.")


def _yield(
    connection: Connection, lease_id: str, ends: Sequence[Transition], now: datetime
) -> frozenset[str]:
    """Ask again where a notification came before the end was written; return which operations."""
    if not ends:
        return frozenset()
    rows = (
        {
            "row_id": end.snapshot.id,
            "written_at": now,
            "polls": end.polls,
            "faults": end.consecutive_failures,
        }
        for end in ends
    )
    yielded = frozenset(_YIELD.execute(connection, rows, lease_id=lease_id).scalars())
    journal.write(
        connection, (row for end in ends if end.snapshot.id in yielded for row in _calls(end))
    )
    return yielded


def _as_row(transition: Transition, now: datetime) -> dict[str, Any]:
    snapshot = transition.snapshot
    waits = transition.state is State.WAITING_FOR_PERSON
    return {
        "row_id": snapshot.id,
        "next_state": transition.state.value,
        "waiting_from": snapshot.state.value if waits else None,
        "next_lane": transition.lane,
        "next_at": transition.due_at,
        "deadline_at": transition.deadline_at,
        "provider_ref": transition.provider_ref,
        "polls": transition.polls,
        "faults": transition.consecutive_failures,
        "progress": transition.progress,
        "began_at": transition.started_at,
        "finished_at": transition.finished_at,
        "now_missing": transition.missing,
        "returned": int(transition.input_returned),
        "events": len(transition.events),
        "written_at": now,
        "yields": int(transition.yields_to_notification),
        "known_notices": snapshot.notifications,
    }


def _attempt_row(transition: Transition) -> dict[str, Any]:
    ended = transition.state in TERMINAL
    return {
        "operation_id": transition.snapshot.id,
        "number": transition.snapshot.attempt,
        "provider_ref": transition.provider_ref,
        "started_at": transition.started_at,
        "finished_at": transition.finished_at,
        "ended_as": transition.state.value if ended else None,
        "reason": None if transition.reason is None else transition.reason.as_text(),
        "result": json.dumps(dict(transition.result)) if ended else None,
        "answer": transition.answer,
    }


def _calls(transition: Transition) -> list[dict[str, Any]]:
    snapshot = transition.snapshot
    runs = [run for run in (snapshot.run, transition.call) if run is not None]
    return [journal.call(snapshot.id, snapshot.attempt, run) for run in runs]


def _rows_of_transition(transition: Transition, now: datetime) -> list[dict[str, Any]]:
    snapshot = transition.snapshot
    rows = _calls(transition)
    if transition.state is not snapshot.state:
        reason = None if transition.reason is None else transition.reason.code
        to = transition.state
        rows.append(
            journal.transition(snapshot.id, snapshot.attempt, snapshot.state, to, now, reason)
        )
    return rows


def _journal_rows(
    before: Snapshot, after: Snapshot, record: Record, now: datetime
) -> Iterable[Mapping[str, Any]]:
    if before.run is not None and after.run is None:
        yield journal.call(before.id, before.attempt, before.run)
    if record.cause is not None:
        yield record.cause
    if (after.state, after.attempt) != (before.state, before.attempt):
        # Where it has a cause, the reason stands there already.
        reason = record.details.reason if record.cause is None else None
        code = None if reason is None else reason.code
        yield journal.transition(after.id, after.attempt, before.state, after.state, now, code)


def _add_events(
    connection: Connection,
    transitions: Sequence[Transition],
    sequences: Mapping[str, int],
    now: datetime,
) -> None:
    events = []
    for each in transitions:
        first = sequences[each.snapshot.id] - len(each.events) + 1
        events += [
            operation_event(kind, each.after(first + place), each.details, now, event_id)
            for place, (kind, event_id) in enumerate(each.events)
        ]
    outbox.add(connection, *events)
