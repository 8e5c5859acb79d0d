"""Notifications that a provider sends, and the operations that they name.

A provider's notification may be unsigned, may come before the id that it names is stored, after
its operation has ended, or twice. So it is first stored, sealed. It names an attempt only where
both the provider's id and the person are that attempt's. Nothing is decided here: the operation is
woken, and its plugin decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    func,
    or_,
    select,
    tuple_,
    update,
)

from uprid_client.contract.events import EventType
from uprid_client.contract.states import State
from worker.domain.event_data import Details, operation_event
from worker.domain.ids import new_id
from worker.domain.snapshot import Snapshot
from worker.domain.states import DRIVEN
from worker.store import journal, model_rows, outbox, snapshots, transitions
from worker.store.claims import ORDINARY, URGENT
from worker.store.dialects import insert_into
from worker.store.tables import ATTEMPTS, NOTIFICATIONS, OPERATIONS, StoredNotification
from worker.store.transitions import Record


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification, as it is kept."""

    provider: str
    #: The same for one that comes again.
    key: str
    provider_ref: str
    #: Keyed hash of the person.
    subject_hash: str
    sealed: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Named:
    """The attempt that a notification names."""

    operation: Snapshot
    attempt: int
    ended_as: str | None


class Received(StrEnum):
    """The result of receiving a notification."""

    #: It names a live attempt, which was woken.
    MATCHED = "matched"
    #: It names an attempt that has ended, or was followed by another, perhaps without ever an id.
    LATE = "late"
    #: It matches no operation: kept, and looked at when an id becomes known.
    UNMATCHED = "unmatched"
    #: It came before.
    REPEATED = "repeated"


def receive(
    connection: Connection, notification: Notification, now: datetime
) -> tuple[Received, Named | None]:
    """Keep a notification, and wake the attempt that it names; return that attempt, too."""
    stored = StoredNotification(
        provider=notification.provider,
        key=notification.key,
        provider_ref=notification.provider_ref,
        subject_hash=notification.subject_hash,
        sealed=notification.sealed,
        at=now,
    )
    kept = connection.execute(
        insert_into(connection, NOTIFICATIONS)
        .values(**model_rows.values_of(stored))
        .on_conflict_do_nothing()
        .returning(NOTIFICATIONS.c.key)
    ).first()
    if kept is None:
        return Received.REPEATED, None
    _lock_persons(connection, notification)
    named = _named(connection, notification) or _doubtful(connection, notification)
    if named is None:
        # Published, and yet matched with none: an id that is stored later may be the one it names.
        late = _given_up(connection, notification)
        return (Received.UNMATCHED if late is None else Received.LATE), late
    operation = named.operation
    _belongs(connection, notification, operation.id, named.attempt)
    if named.attempt != operation.attempt or operation.state not in _OPEN:
        return Received.LATE, named
    _wake(connection, operation, now)
    return Received.MATCHED, named


def write_late_event(
    connection: Connection,
    named: Named,
    notification: Notification,
    would_be: State,
    answer: str,
    now: datetime,
) -> None:
    """Journal a notification that came after the end; publish it where it is news.

    `answer` is the whole notification as the provider wrote it, sealed.
    """
    id_, number = named.operation.id, named.attempt
    known = journal.has_late_notification(connection, id_, number, would_be)
    journal.write(connection, [journal.late_notification(id_, number, would_be, now)])
    if known or named.ended_as == would_be.value:
        return
    sequence = connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id == id_)
        .values(sequence=OPERATIONS.c.sequence + 1)
        .returning(OPERATIONS.c.sequence)
    ).scalar_one()
    stands = replace(
        named.operation,
        attempt=number,
        state=would_be,
        provider_ref=notification.provider_ref,
        # Of the attempt that is named nothing else is known here.
        started_at=None,
        finished_at=None,
        polls=0,
        sequence=sequence,
    )
    details = Details(result={"verified_by": "notification"}, answer=answer)
    outbox.add(connection, operation_event(EventType.LATE_ANSWER, stands, details, now, new_id()))


def attach(connection: Connection, operation_id: str, now: datetime) -> bool:
    """Match notifications that came before their attempt's id; return whether there were any.

    Call it once the id is written. The operation is due at once then.
    """
    attempt = connection.execute(
        select(OPERATIONS.c.provider, ATTEMPTS.c.number, ATTEMPTS.c.provider_ref, ATTEMPTS.c.party)
        .join(
            ATTEMPTS,
            and_(
                ATTEMPTS.c.operation_id == OPERATIONS.c.id,
                ATTEMPTS.c.number == OPERATIONS.c.attempt,
            ),
        )
        .where(OPERATIONS.c.id == operation_id)
    ).one()
    if attempt.provider_ref is None or attempt.party is None:
        return False
    its_own = and_(
        NOTIFICATIONS.c.operation_id == operation_id, NOTIFICATIONS.c.attempt == attempt.number
    )
    # What it got as the person's one doubtful operation, and what names another id after all.
    connection.execute(
        update(NOTIFICATIONS)
        .where(its_own, NOTIFICATIONS.c.provider_ref != attempt.provider_ref)
        .values(operation_id=None, attempt=None)
    )
    connection.execute(
        update(NOTIFICATIONS)
        .where(
            NOTIFICATIONS.c.provider == attempt.provider,
            NOTIFICATIONS.c.provider_ref == attempt.provider_ref,
            NOTIFICATIONS.c.party == attempt.party,
            NOTIFICATIONS.c.operation_id.is_(None),
        )
        .values(operation_id=operation_id, attempt=attempt.number)
    )
    count = connection.execute(select(func.count()).where(its_own)).scalar_one()
    due_at = now if count else OPERATIONS.c.due_at
    connection.execute(
        update(OPERATIONS)
        .where(OPERATIONS.c.id == operation_id)
        .values(notices=count, due_at=due_at)
    )
    return bool(count)


def of(connection: Connection, attempts: Sequence[tuple[str, int]]) -> Mapping[str, list[str]]:
    """Return the sealed notifications of some current attempts, oldest first, by operation."""
    if not attempts:
        return {}
    # One list and not ORs: SQLite takes a thousand of those at most.
    named = tuple_(NOTIFICATIONS.c.operation_id, NOTIFICATIONS.c.attempt).in_(attempts)
    found: dict[str, list[str]] = {}
    for row in connection.execute(
        select(NOTIFICATIONS.c.operation_id, NOTIFICATIONS.c.sealed)
        .where(named)
        .order_by(NOTIFICATIONS.c.at)
    ):
        found.setdefault(row.operation_id, []).append(row.sealed)
    return found


#: A waiting operation too: what it waits for may be this very notification.
_OPEN = DRIVEN | {State.WAITING_FOR_PERSON}


def _lock_persons(connection: Connection, notification: Notification) -> None:
    """Wait for a process that is writing an operation of this person, and keep others from it.

    Or a provider's id that is being stored at this moment would miss the notification, and the
    notification the id.
    """
    connection.execute(
        select(OPERATIONS.c.id)
        .join(ATTEMPTS, ATTEMPTS.c.operation_id == OPERATIONS.c.id)
        .where(
            OPERATIONS.c.provider == notification.provider,
            ATTEMPTS.c.party == notification.subject_hash,
        )
        .order_by(OPERATIONS.c.id)
        .with_for_update(of=OPERATIONS)
    ).all()


def _named(connection: Connection, notification: Notification) -> Named | None:
    """Return the operation one of whose attempts has the notification's id and person."""
    return _found(
        connection,
        notification,
        ATTEMPTS.c.provider_ref == notification.provider_ref,
    )


def _doubtful(connection: Connection, notification: Notification) -> Named | None:
    """Return the person's one operation whose submit got no answer, so that it has no id."""
    unanswered = or_(
        OPERATIONS.c.state == State.SUBMITTING.value,
        and_(
            OPERATIONS.c.state == State.WAITING_FOR_PERSON.value,
            OPERATIONS.c.waiting_from == State.SUBMITTING.value,
        ),
    )
    return _found(
        connection,
        notification,
        and_(
            ATTEMPTS.c.provider_ref.is_(None),
            ATTEMPTS.c.number == OPERATIONS.c.attempt,
            unanswered,
        ),
    )


def _given_up(connection: Connection, notification: Notification) -> Named | None:
    """Return the person's one operation that was submitted, and ended without ever an id.

    A person took the doubt from it, by a verdict or by a next attempt; a SUCCESS is news all the
    same.
    """
    return _found(
        connection,
        notification,
        and_(
            ATTEMPTS.c.provider_ref.is_(None),
            ATTEMPTS.c.ended_as.is_not(None),
            journal.has_transition(
                ATTEMPTS.c.operation_id, ATTEMPTS.c.number, State.ACCEPTED, State.SUBMITTING
            ),
        ),
    )


def _found(
    connection: Connection, notification: Notification, condition: ColumnElement[bool]
) -> Named | None:
    found = connection.execute(
        select(*snapshots.COLUMNS, ATTEMPTS.c.number, ATTEMPTS.c.ended_as)
        .join(ATTEMPTS, ATTEMPTS.c.operation_id == OPERATIONS.c.id)
        .where(
            OPERATIONS.c.provider == notification.provider,
            ATTEMPTS.c.party == notification.subject_hash,
            condition,
        )
        .order_by(ATTEMPTS.c.number.desc())
    ).all()
    # It could mean two: match neither, since we do not guess about money. But a next attempt
    # may have been given the id of the one before.
    if len({row.id for row in found}) != 1:
        return None
    newest = found[0]
    return Named(snapshots.snapshot(newest), newest.number, newest.ended_as)


def _belongs(
    connection: Connection, notification: Notification, operation_id: str, attempt: int
) -> None:
    connection.execute(
        update(NOTIFICATIONS)
        .where(
            NOTIFICATIONS.c.provider == notification.provider,
            NOTIFICATIONS.c.key == notification.key,
        )
        .values(operation_id=operation_id, attempt=attempt)
    )


def _wake(connection: Connection, found: Snapshot, now: datetime) -> None:
    received = journal.received_notification(found.id, found.attempt, now)
    if found.state is State.WAITING_FOR_PERSON:
        # The provider has answered, so that no person has to: the operation goes on where it was.
        back = found.waiting_from or State.SUBMITTING
        goes_on = replace(
            found,
            state=back,
            waiting_from=None,
            due_at=now,
            lane=URGENT if back in {State.ACCEPTED, State.SUBMITTING} else ORDINARY,
            notifications=found.notifications + 1,
        )
        record = Record({"reason": None}, cause=received)
        transitions.make(connection, found, goes_on, record, now)
        return
    woken = replace(found, notifications=found.notifications + 1)
    if found.is_leased:
        woken = replace(woken, hurried_at=now)
    elif found.state is not State.ACCEPTED:
        woken = replace(woken, due_at=now)
    transitions.adjust(connection, found, woken)
    journal.write(connection, [received])
