"""Reading operations for people and programs: lists, and the story of one. Changes nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select
from sqlalchemy import Row as SqlRow

from uprid_client.contract.states import State
from worker.domain.refusal_reasons import from_row
from worker.domain.snapshot import Snapshot
from worker.domain.states import DRIVEN
from worker.store import snapshots
from worker.store.journal import What
from worker.store.tables import ATTEMPTS, JOURNAL, OPERATIONS, OUTBOX, REFUSALS

JsonMap = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Snapshot):
    """An operation and how its current attempt stands. Nothing of it is personal."""

    #: As the event has it; None while the engine still works on the operation.
    reason: JsonMap | None = None
    result: JsonMap | None = None
    #: The provider's whole answer is kept, sealed.
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One submission and how it ended."""

    number: int
    accepted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    provider_ref: str | None
    #: A terminal state, `superseded`, or None.
    ended_as: str | None
    reason: JsonMap | None
    result: JsonMap | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal row, or the run of like calls that is still growing."""

    attempt: int
    what: What
    note: str
    at: datetime
    last_at: datetime
    count: int
    #: Milliseconds.
    slowest: int | None
    by: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event of the outbox, without its data."""

    id: str
    attempt: int | None
    type: str
    time: datetime
    sequence: int | None
    #: Whether it stands on the stream.
    published: bool


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """A message under this reference that could not be taken."""

    message_id: str
    task: str
    fields: tuple[str, ...]
    #: As events have it.
    reason: JsonMap
    at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is stored of a reference; without an operation where it was only refused."""

    reference: str
    operation: Row | None
    attempts: tuple[Attempt, ...] = ()
    journal: tuple[Entry, ...] = ()
    events: tuple[PublishedEvent, ...] = ()
    refusals: tuple[RefusedMessage, ...] = ()


_ROW: Final = (
    *snapshots.COLUMNS,
    ATTEMPTS.c.reason,
    ATTEMPTS.c.result,
    ATTEMPTS.c.answer.is_not(None).label("answered"),
)
#: Joins an operation with its current attempt.
IS_CURRENT: Final = and_(
    ATTEMPTS.c.operation_id == OPERATIONS.c.id, ATTEMPTS.c.number == OPERATIONS.c.attempt
)


def find_operations(
    connection: Connection,
    *,
    state: State | None = None,
    provider: str | None = None,
    reason: str | None = None,
    overdue: datetime | None = None,
    limit: int = 100,
) -> list[Row]:
    """Return the newest operations, or those that were due before `overdue`, the longest first."""
    wanted = _rows()
    if state is not None:
        wanted = wanted.where(OPERATIONS.c.state == state.value)
    if provider is not None:
        wanted = wanted.where(OPERATIONS.c.provider == provider)
    if reason is not None:
        wanted = wanted.where(_has_reason(reason))
    if overdue is None:
        wanted = wanted.order_by(OPERATIONS.c.id.desc())
    else:
        wanted = wanted.where(OPERATIONS.c.due_at < overdue).order_by(OPERATIONS.c.due_at)
    return [_row(found) for found in connection.execute(wanted.limit(limit))]


def story(connection: Connection, reference: str) -> Story | None:
    """Return all that is known of a reference; None where nothing is."""
    refusals = _refusals(connection, reference)
    found = connection.execute(_rows().where(OPERATIONS.c.reference == reference)).first()
    if found is None:
        return Story(reference, None, refusals=refusals) if refusals else None
    row = _row(found)
    return Story(
        reference,
        row,
        attempts=_attempts(connection, row.id),
        journal=(*_journal(connection, row.id), *_open_run(row)),
        events=_events(connection, row.id),
        refusals=refusals,
    )


def stories_of(connection: Connection, name: str) -> list[Story]:
    """Return what is known by another name than a reference, the newest operation first.

    That is an operation's id, the provider's id of an attempt, or the id of a refused message.
    """
    found = connection.execute(
        select(OPERATIONS.c.reference)
        .join(ATTEMPTS, ATTEMPTS.c.operation_id == OPERATIONS.c.id)
        .where(or_(OPERATIONS.c.id == name, ATTEMPTS.c.provider_ref == name))
        .order_by(OPERATIONS.c.id.desc())
    )
    refusals = _refused(connection, REFUSALS.c.message_id == name)
    references = [*found.scalars(), *(known for known, _ in refusals if known is not None)]
    stories = [story(connection, known) for known in dict.fromkeys(references)]
    bare = tuple(refusal for known, refusal in refusals if known is None)
    if bare:
        stories.append(Story(name, None, refusals=bare))
    return [each for each in stories if each is not None]


def _has_reason(code: str) -> ColumnElement[bool]:
    # What was written before there was a column: as `Reason.as_text` begins.
    older = ATTEMPTS.c.reason.startswith(f'{{"code": "{code}"', autoescape=True)
    return or_(ATTEMPTS.c.reason_code == code, and_(ATTEMPTS.c.reason_code.is_(None), older))


def _rows() -> Select[Any]:
    return select(*_ROW).select_from(OPERATIONS).join(ATTEMPTS, IS_CURRENT)


def _row(found: SqlRow[Any]) -> Row:
    values = snapshots.values(found)
    # An attempt's reason speaks of its end or its wait, and of nothing before or after that.
    is_at_rest = values["state"] not in DRIVEN
    return Row(
        **values,
        reason=_json(found.reason) if is_at_rest else None,
        result=_json(found.result) if is_at_rest else None,
        answered=bool(found.answered),
    )


def _attempts(connection: Connection, operation_id: str) -> tuple[Attempt, ...]:
    rows = connection.execute(
        select(
            ATTEMPTS.c.number,
            ATTEMPTS.c.accepted_at,
            ATTEMPTS.c.started_at,
            ATTEMPTS.c.finished_at,
            ATTEMPTS.c.provider_ref,
            ATTEMPTS.c.ended_as,
            ATTEMPTS.c.reason,
            ATTEMPTS.c.result,
        )
        .where(ATTEMPTS.c.operation_id == operation_id)
        .order_by(ATTEMPTS.c.number)
    )
    return tuple(Attempt(*row[:6], _json(row.reason), _json(row.result)) for row in rows)


def _journal(connection: Connection, operation_id: str) -> tuple[Entry, ...]:
    rows = connection.execute(
        select(JOURNAL).where(JOURNAL.c.operation_id == operation_id).order_by(JOURNAL.c.id)
    ).mappings()  # as a tuple, a row's `count` would be the method
    return tuple(
        Entry(
            attempt=row["attempt"],
            what=What(row["what"]),
            note=row["note"],
            at=row["at"],
            last_at=row["last_at"],
            count=row["count"],
            slowest=row["slowest"],
            by=row["by"],
            detail=row["detail"],
        )
        for row in rows
    )


def _open_run(row: Row) -> tuple[Entry, ...]:
    run = row.run
    if run is None:
        return ()
    return (
        Entry(
            attempt=row.attempt,
            what=What.CALL,
            note=run.note,
            at=run.first_at,
            last_at=run.last_at,
            count=run.count,
            slowest=run.slowest,
            by=None,
            detail=None,
        ),
    )


def _events(connection: Connection, operation_id: str) -> tuple[PublishedEvent, ...]:
    rows = connection.execute(
        select(
            OUTBOX.c.id,
            OUTBOX.c.attempt,
            OUTBOX.c.type,
            OUTBOX.c.time,
            OUTBOX.c.data,
            OUTBOX.c.stream_id,
        )
        .where(OUTBOX.c.operation_id == operation_id)
        .order_by(OUTBOX.c.seq)
    )
    return tuple(
        PublishedEvent(
            id=row.id,
            attempt=row.attempt,
            type=row.type,
            time=row.time,
            sequence=json.loads(row.data).get("sequence"),
            published=row.stream_id is not None,
        )
        for row in rows
    )


def _refusals(connection: Connection, reference: str) -> tuple[RefusedMessage, ...]:
    found = _refused(connection, REFUSALS.c.reference == reference)
    return tuple(refusal for _, refusal in found)


def _refused(
    connection: Connection, wanted: ColumnElement[bool]
) -> list[tuple[str | None, RefusedMessage]]:
    """Return refused messages, each with its reference if it had one, the oldest first."""
    rows = connection.execute(
        select(REFUSALS).where(wanted).order_by(REFUSALS.c.at, REFUSALS.c.message_id)
    )
    return [
        (
            row.reference,
            RefusedMessage(
                row.message_id,
                row.task,
                tuple(json.loads(row.fields)),
                from_row(row.reason),
                row.at,
            ),
        )
        for row in rows
    ]


def _json(text: str | None) -> JsonMap | None:
    return None if text is None else json.loads(text)
