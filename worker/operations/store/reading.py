"""Reading for people and programs: lists, one operation's whole story, counts. Changes nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, and_, func, select

from worker.operations.model import (
    ATTEMPTS,
    INCARNATIONS,
    JOURNAL,
    OPERATIONS,
    OUTBOX,
    PROVIDERS,
    REFUSALS,
)
from worker.operations.states import DRIVEN, State
from worker.operations.store.journal import What

JsonMap = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """An operation and how its current attempt stands. Nothing of it is personal."""

    id: str
    reference: str
    provider: str
    kind: str
    state: State
    attempt: int
    provider_ref: str | None
    deadline_at: datetime | None
    due_at: datetime | None
    polls: int
    faults: int
    #: A worker holds it at this moment, or died holding it.
    leased: bool
    waiting_from: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    #: As the event has it; None while the engine still works on the operation.
    reason: JsonMap | None
    result: JsonMap | None


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
class Told:
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
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is known of a reference; no operation where it was only ever refused."""

    reference: str
    operation: Row | None
    attempts: tuple[Attempt, ...] = ()
    journal: tuple[Entry, ...] = ()
    events: tuple[Told, ...] = ()
    refusals: tuple[RefusedMessage, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """How many operations of a provider are in a state."""

    provider: str
    state: State
    operations: int


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """Whether a provider may be called."""

    name: str
    paused_at: datetime | None
    paused_by: str | None
    paused_note: str | None
    failures: int
    #: The breaker is open, or the provider asked for a rest, until then.
    closed_until: datetime | None


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker process that said in the database that it is there."""

    id: str
    role: str
    host: str
    pid: int
    started_at: datetime
    beat_at: datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """What a stored attempt has sealed, and what its fingerprint was made over."""

    provider: str
    kind: str
    args: JsonMap
    fingerprint: str
    sealed: str | None = field(repr=False)
    answer: str | None = field(repr=False)


_ROW: Final = (
    *(
        OPERATIONS.c[name]
        for name in (
            "id", "reference", "provider", "kind", "state", "attempt", "provider_ref",
            "deadline_at", "due_at", "polls", "faults", "waiting_from", "created_at",
            "started_at", "finished_at",
        )
    ),
    OPERATIONS.c.lease_token.is_not(None).label("leased"),
    ATTEMPTS.c.reason,
    ATTEMPTS.c.result,
)  # fmt: skip
_RUN: Final = tuple(
    OPERATIONS.c[name]
    for name in ("run_note", "run_first_at", "run_last_at", "run_count", "run_slowest")
)
_IS_CURRENT: Final = and_(
    ATTEMPTS.c.operation_id == OPERATIONS.c.id, ATTEMPTS.c.number == OPERATIONS.c.attempt
)


def find_operations(
    connection: Connection,
    *,
    state: State | None = None,
    provider: str | None = None,
    overdue: datetime | None = None,
    limit: int = 100,
) -> list[Row]:
    """Return the newest operations, or those that were due before `overdue`, the longest first."""
    wanted = _rows()
    if state is not None:
        wanted = wanted.where(OPERATIONS.c.state == state.value)
    if provider is not None:
        wanted = wanted.where(OPERATIONS.c.provider == provider)
    if overdue is None:
        wanted = wanted.order_by(OPERATIONS.c.id.desc())
    else:
        wanted = wanted.where(OPERATIONS.c.due_at < overdue).order_by(OPERATIONS.c.due_at)
    return [_row(found) for found in connection.execute(wanted.limit(limit)).mappings()]


def story(connection: Connection, reference: str) -> Story | None:
    """Return all that is known of a reference; None where nothing is."""
    refusals = _refusals(connection, reference)
    found = (
        connection.execute(_rows(*_RUN).where(OPERATIONS.c.reference == reference))
        .mappings()
        .first()
    )
    if found is None:
        return Story(reference, None, refusals=refusals) if refusals else None
    row = _row(found)
    return Story(
        reference,
        row,
        attempts=_attempts(connection, row.id),
        journal=(*_journal(connection, row.id), *_open_run(found)),
        events=_events(connection, row.id),
        refusals=refusals,
    )


def counts(connection: Connection) -> list[Count]:
    """Return how many operations there are by provider and state."""
    rows = connection.execute(
        select(OPERATIONS.c.provider, OPERATIONS.c.state, func.count())
        .group_by(OPERATIONS.c.provider, OPERATIONS.c.state)
        .order_by(OPERATIONS.c.provider, OPERATIONS.c.state)
    )
    return [Count(provider, State(state), number) for provider, state, number in rows]


def overdue_counts(connection: Connection, before: datetime) -> dict[str, int]:
    """Return, by provider, how many operations were due before a time."""
    rows = connection.execute(
        select(OPERATIONS.c.provider, func.count())
        .where(OPERATIONS.c.due_at < before)
        .group_by(OPERATIONS.c.provider)
        .order_by(OPERATIONS.c.provider)
    )
    return {provider: number for provider, number in rows}  # noqa: C416 - rows are no pairs to mypy


def providers(connection: Connection) -> dict[str, ProviderRow]:
    """Return what the workers share about providers, by name; only those ever called."""
    rows = connection.execute(
        select(
            PROVIDERS.c.name,
            PROVIDERS.c.paused_at,
            PROVIDERS.c.paused_by,
            PROVIDERS.c.paused_note,
            PROVIDERS.c.failures,
            PROVIDERS.c.closed_until,
        ).order_by(PROVIDERS.c.name)
    )
    return {row.name: ProviderRow(*row) for row in rows}


def workers(connection: Connection) -> list[Worker]:
    """Return the worker processes that have a row, silent ones too."""
    rows = connection.execute(
        select(
            INCARNATIONS.c.id,
            INCARNATIONS.c.role,
            INCARNATIONS.c.host,
            INCARNATIONS.c.pid,
            INCARNATIONS.c.started_at,
            INCARNATIONS.c.beat_at,
        ).order_by(INCARNATIONS.c.role, INCARNATIONS.c.started_at)
    )
    return [Worker(*row) for row in rows]


def samples(connection: Connection, limit: int) -> list[Sample]:
    """Return up to `limit` of the oldest and of the newest current attempts that hold a token."""
    sealed = (
        select(
            OPERATIONS.c.provider,
            OPERATIONS.c.kind,
            OPERATIONS.c.args,
            ATTEMPTS.c.fingerprint,
            ATTEMPTS.c.sealed,
            ATTEMPTS.c.answer,
        )
        .join(ATTEMPTS, _IS_CURRENT)
        .where(ATTEMPTS.c.sealed.is_not(None) | ATTEMPTS.c.answer.is_not(None))
        .limit(limit)
    )
    rows = [
        row
        for order in (OPERATIONS.c.id, OPERATIONS.c.id.desc())
        for row in connection.execute(sealed.order_by(order))
    ]
    # Where there are few, both ends are the same.
    return [
        Sample(row.provider, row.kind, json.loads(row.args), *row[3:])
        for row in dict.fromkeys(rows)
    ]


def _rows(*more: Any) -> Select[Any]:
    return select(*_ROW, *more).select_from(OPERATIONS).join(ATTEMPTS, _IS_CURRENT)


def _row(found: RowMapping) -> Row:
    state = State(found["state"])
    # A resumed operation still carries the reason that it once waited for.
    settled = state not in DRIVEN
    return Row(
        id=found["id"],
        reference=found["reference"],
        provider=found["provider"],
        kind=found["kind"],
        state=state,
        attempt=found["attempt"],
        provider_ref=found["provider_ref"],
        deadline_at=found["deadline_at"],
        due_at=found["due_at"],
        polls=found["polls"],
        faults=found["faults"],
        leased=bool(found["leased"]),
        waiting_from=found["waiting_from"],
        created_at=found["created_at"],
        started_at=found["started_at"],
        finished_at=found["finished_at"],
        reason=_json(found["reason"]) if settled else None,
        result=_json(found["result"]) if settled else None,
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


def _open_run(found: RowMapping) -> tuple[Entry, ...]:
    if found["run_note"] is None:
        return ()
    return (
        Entry(
            attempt=found["attempt"],
            what=What.CALL,
            note=found["run_note"],
            at=found["run_first_at"],
            last_at=found["run_last_at"],
            count=found["run_count"],
            slowest=found["run_slowest"],
            by=None,
            detail=None,
        ),
    )


def _events(connection: Connection, operation_id: str) -> tuple[Told, ...]:
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
        Told(
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
    rows = connection.execute(
        select(REFUSALS)
        .where(REFUSALS.c.reference == reference)
        .order_by(REFUSALS.c.at, REFUSALS.c.message_id)
    )
    return tuple(
        RefusedMessage(row.message_id, row.task, tuple(json.loads(row.fields)), row.reason, row.at)
        for row in rows
    )


def _json(text: str | None) -> JsonMap | None:
    return None if text is None else json.loads(text)
