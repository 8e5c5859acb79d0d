"""The journal: what happened to an operation, in rows that a person reads as a story."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, insert, select

from worker.operations.model import JOURNAL
from worker.operations.outcomes import ReasonCode
from worker.operations.snapshot import Run
from worker.operations.states import State


class What(StrEnum):
    """The kind of a journal row."""

    CALL = "call"
    MOVE = "move"
    PERSON = "person"
    LATE = "late"
    IGNORED = "ignored"
    HEARD = "heard"


def write(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows made by the functions below."""
    many = list(rows)
    if many:
        connection.execute(insert(JOURNAL), many)


def call(operation_id: str, attempt: int, run: Run) -> dict[str, Any]:
    """Return the row of a run of like calls."""
    return _row(
        operation_id, attempt, What.CALL, run.note, run.first_at,
        last_at=run.last_at, count=run.count, slowest=run.slowest,
    )  # fmt: skip


def move(
    operation_id: str,
    attempt: int,
    origin: State | None,
    to: State,
    at: datetime,
    reason: ReasonCode | None = None,
) -> dict[str, Any]:
    """Return the row of a transition, such as `polling → succeeded`; `origin` None: of a start."""
    note = to.value if origin is None else f"{origin} → {to}"
    if reason is not None:
        note += f": {reason}"
    return _row(operation_id, attempt, What.MOVE, note, at)


def erased(operation_id: str, attempt: int, reason: ReasonCode, at: datetime) -> dict[str, Any]:
    """Return the row of data that were erased past their retention, under an operation's feet."""
    note = f"data erased past their retention: {reason}"
    return _row(operation_id, attempt, What.MOVE, note, at)


def late(
    operation_id: str, attempt: int, note: str, at: datetime, took: int | None
) -> dict[str, Any]:
    """Return the row of an answer that came too late to count."""
    return _row(operation_id, attempt, What.LATE, note, at, slowest=took)


def person(
    operation_id: str, attempt: int, note: str, at: datetime, by: str, why: str
) -> dict[str, Any]:
    """Return the row of something that a person did."""
    return _row(operation_id, attempt, What.PERSON, note, at, by=by, detail=why)


def ignored(operation_id: str, attempt: int, note: str, at: datetime, by: str) -> dict[str, Any]:
    """Return the row of a message that changed nothing, recorded all the same."""
    return _row(operation_id, attempt, What.IGNORED, note, at, by=by)


def heard(operation_id: str, attempt: int, note: str, at: datetime) -> dict[str, Any]:
    """Return the row of something that came from outside: an input, a notification."""
    return _row(operation_id, attempt, What.HEARD, note, at)


def has_person(
    connection: Connection, operation_id: str, attempt: int, note: str, by: str, why: str
) -> bool:
    """Tell whether the journal has this very thing that a person did."""
    found = connection.execute(
        select(JOURNAL.c.id).where(
            JOURNAL.c.operation_id == operation_id,
            JOURNAL.c.attempt == attempt,
            JOURNAL.c.what == What.PERSON.value,
            JOURNAL.c.note == note,
            JOURNAL.c.by == by,
            JOURNAL.c.detail == why,
        )
    )
    return found.first() is not None


def has_move(
    operation_id: ColumnElement[str], attempt: ColumnElement[int], origin: State, to: State
) -> ColumnElement[bool]:
    """Return the condition that an attempt in another query once made a move."""
    return exists().where(
        JOURNAL.c.operation_id == operation_id,
        JOURNAL.c.attempt == attempt,
        JOURNAL.c.what == What.MOVE.value,
        JOURNAL.c.note == f"{origin} → {to}",
    )


def has_late(connection: Connection, operation_id: str, attempt: int, note: str) -> bool:
    """Tell whether the journal has this of what came too late."""
    found = connection.execute(
        select(JOURNAL.c.id).where(
            JOURNAL.c.operation_id == operation_id,
            JOURNAL.c.attempt == attempt,
            JOURNAL.c.what == What.LATE.value,
            JOURNAL.c.note == note,
        )
    )
    return found.first() is not None


def _row(  # noqa: PLR0913 - one value a column
    operation_id: str,
    attempt: int,
    what: What,
    note: str,
    at: datetime,
    *,
    last_at: datetime | None = None,
    count: int = 1,
    slowest: int | None = None,
    by: str | None = None,
    detail: str | None = None,
) -> dict[str, Any]:
    return {
        "operation_id": operation_id,
        "attempt": attempt,
        "what": what.value,
        "note": note[:200],
        "at": at,
        "last_at": last_at or at,
        "count": count,
        "slowest": slowest,
        "by": by,
        "detail": detail,
    }
