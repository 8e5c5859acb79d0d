"""Operations for tests: made through the store, read back from the tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import RowMapping, select

from uprid_client.contract.events import EventType
from uprid_client.contract.states import State
from worker.domain.events import END_EVENTS
from worker.domain.ids import new_id
from worker.domain.outcomes import Reason
from worker.domain.snapshot import Run
from worker.domain.start_data import StartData
from worker.store import claims, messages, writeback
from worker.store.changes import Transition, Unchanged
from worker.store.claims import ORDINARY, URGENT, ClaimedSnapshot
from worker.store.database import Database
from worker.store.messages import NewOperation, Taken
from worker.store.tables import ATTEMPTS, JOURNAL, OPERATIONS, OUTBOX

NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PROVIDER: Final = "moneta"
OWNER: Final = "owner"
LEASE_ID: Final = "lease"


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event as the outbox has it."""

    id: str
    type: str
    subject: str
    terminal: bool
    attempt: int | None
    data: Mapping[str, Any]
    stream_id: str | None


def start(
    reference: str = "order-1",
    *,
    fingerprint: str = "f" * 64,
    sealed: str | None = None,
    give_up_at: datetime = NOW + timedelta(hours=1),
) -> NewOperation:
    """Return a start message that was found good."""
    taken = StartData("identification", {"unit_id": 7}, None)
    return NewOperation(PROVIDER, reference, taken, fingerprint, sealed, give_up_at)


def accept(database: Database, begun: NewOperation, now: datetime = NOW) -> Taken:
    """Store it."""
    with database.begin() as connection:
        return messages.accept(connection, begun, now)


def accepted(database: Database, *references: str, now: datetime = NOW) -> list[str]:
    """Store new operations; return their ids."""
    with database.begin() as connection:
        for reference in references:
            assert messages.accept(connection, start(reference), now) is Taken.NEW
    ids = {row["reference"]: row["id"] for row in operations(database)}
    return [ids[reference] for reference in references]


def claim(
    database: Database,
    limit: int = 100,
    *,
    lane: int = URGENT,
    owner: str = OWNER,
    lease_id: str = LEASE_ID,
    now: datetime = NOW,
) -> list[ClaimedSnapshot]:
    """Lease what is due in a lane."""
    with database.begin() as connection:
        return claims.claim(
            connection, PROVIDER, lane, limit, owner=owner, lease_id=lease_id, now=now
        )


def polling(database: Database, *references: str, now: datetime = NOW) -> list[ClaimedSnapshot]:
    """Store operations and bring them to `polling`, due at once; return them as last claimed."""
    accepted(database, *references, now=now)
    taken = claim(database, now=now, lease_id="setup")
    moves = [
        moved(
            row, State.POLLING, EventType.STARTED,
            due_at=now, lane=ORDINARY, started_at=now, provider_ref="77",
        )
        for row in taken
    ]  # fmt: skip
    write(database, moves, lease_id="setup", now=now)
    return taken


def in_state(
    database: Database, state: State, reference: str = "order-1", *, now: datetime = NOW
) -> None:
    """Store an operation and bring it to a state, as the engine does; no process holds it."""
    if state in {State.POLLING, State.SETTLING}:
        polling(database, reference, now=now)
    else:
        accept(database, start(reference, sealed="first"), now)
    if state in {State.ACCEPTED, State.POLLING}:
        return
    lane = ORDINARY if state is State.SETTLING else URGENT
    [claimed] = claim(database, lane=lane, now=now)
    match state:
        case State.SUBMITTING:
            with database.begin() as connection:
                writeback.mark_submitting(connection, claimed, LEASE_ID, now)
                writeback.let_go(connection, LEASE_ID, claimed.id)
        case State.SETTLING:
            write(database, [moved(claimed, state, due_at=now, lane=ORDINARY)], now=now)
        case State.WAITING_FOR_PERSON:
            write(database, [moved(claimed, state, EventType.WAITING_FOR_PERSON)], now=now)
        case _:
            write(database, [ended(claimed, state, finished_at=now)], now=now)


def waiting(
    database: Database,
    origin: State,
    reason: Reason | None = None,
    reference: str = "order-1",
    *,
    answer: str | None = None,
    now: datetime = NOW,
) -> None:
    """Store an operation and have it wait for a person, from the state in which it was asked."""
    in_state(database, origin, reference, now=now)
    lane = URGENT if origin in {State.ACCEPTED, State.SUBMITTING} else ORDINARY
    [claimed] = claim(database, lane=lane, now=now)
    parked = moved(
        claimed, State.WAITING_FOR_PERSON, EventType.WAITING_FOR_PERSON,
        reason=reason, answer=answer, consecutive_failures=3, progress='{"unknown": 3}',
    )  # fmt: skip
    write(database, [parked], now=now)


def run(note: str = "answer", count: int = 1, at: datetime = NOW) -> Run:
    """Return a run of like calls."""
    return Run(note, at, at, count, 12)


def stayed(claimed: ClaimedSnapshot, due_at: datetime, **changes: Any) -> Unchanged:
    """Return what is written of an operation that stays where it is."""
    given: dict[str, Any] = {
        "polls": claimed.polls + 1, "consecutive_failures": 0, "progress": None, "run": run(),
        "closed": None,
    }  # fmt: skip
    return Unchanged(snapshot=claimed, due_at=due_at, **{**given, **changes})


def moved(claimed: ClaimedSnapshot, state: State, *events: EventType, **changes: Any) -> Transition:
    """Return what is written of an operation that goes to another state."""
    given: dict[str, Any] = {
        "call": run(), "lane": URGENT, "due_at": None, "deadline_at": claimed.deadline_at,
        "provider_ref": claimed.provider_ref, "polls": claimed.polls, "consecutive_failures": 0,
        "progress": None,
    }  # fmt: skip
    told = tuple((event, new_id()) for event in events)
    return Transition(snapshot=claimed, state=state, events=told, **{**given, **changes})


def ended(claimed: ClaimedSnapshot, state: State = State.SUCCEEDED, **changes: Any) -> Transition:
    """Return what is written of an operation that ends."""
    return moved(claimed, state, END_EVENTS[state], **{"finished_at": NOW, **changes})


def write(
    database: Database,
    moves: Sequence[Transition],
    *,
    lease_id: str = LEASE_ID,
    now: datetime = NOW,
) -> set[str]:
    """Write moves back; return the ids that were ours."""
    with database.begin() as connection:
        return set(writeback.write_transitions(connection, lease_id, moves, now))


def forgets(kind: str, progress: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep nothing of an attempt's progress, as most plugins do."""
    del kind, progress
    return {}


def operation(database: Database, reference: str = "order-1") -> RowMapping:
    """Return an operation's row."""
    with database.read() as connection:
        found = select(OPERATIONS).where(OPERATIONS.c.reference == reference)
        return connection.execute(found).mappings().one()


def operations(database: Database) -> list[RowMapping]:
    """Return every operation's row, the oldest first."""
    with database.read() as connection:
        rows = connection.execute(select(OPERATIONS).order_by(OPERATIONS.c.id))
        return list(rows.mappings())


def attempts(database: Database, reference: str = "order-1") -> list[RowMapping]:
    """Return an operation's attempts."""
    with database.read() as connection:
        rows = connection.execute(
            select(ATTEMPTS)
            .join(OPERATIONS, OPERATIONS.c.id == ATTEMPTS.c.operation_id)
            .where(OPERATIONS.c.reference == reference)
            .order_by(ATTEMPTS.c.number)
        )
        return list(rows.mappings())


def journal(database: Database, reference: str = "order-1") -> list[RowMapping]:
    """Return an operation's journal."""
    with database.read() as connection:
        rows = connection.execute(
            select(JOURNAL)
            .join(OPERATIONS, OPERATIONS.c.id == JOURNAL.c.operation_id)
            .where(OPERATIONS.c.reference == reference)
            .order_by(JOURNAL.c.id)
        )
        return list(rows.mappings())


def told(database: Database, reference: str | None = None) -> list[PublishedEvent]:
    """Return the outbox in its order, of one reference or all of it."""
    with database.read() as connection:
        rows = connection.execute(select(OUTBOX).order_by(OUTBOX.c.seq)).mappings().all()
    return [
        PublishedEvent(
            row["id"], row["type"], row["subject"], bool(row["terminal"]), row["attempt"],
            json.loads(row["data"]), row["stream_id"],
        )
        for row in rows
        if reference in {None, row["subject"]}
    ]  # fmt: skip


def types(database: Database, reference: str | None = None) -> list[str]:
    """Return the types of the published events, without their common prefix."""
    return [event.type.removeprefix("uprid.") for event in told(database, reference)]
