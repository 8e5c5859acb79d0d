"""The journal: what happened to an operation, in rows that a person reads as a story.

Programs read its columns. A release before 0004 wrote the note alone, and may still do so beside
this one: its rows have empty columns, and what looks for a row looks for its note then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, exists, insert, or_, select

from uprid_client.contract.reason_codes import ReasonCode
from uprid_client.contract.states import State
from worker.domain.snapshot import Run
from worker.store.tables import JOURNAL

_ROW: Final = JOURNAL.c
#: As the column `action` has it: a provider's notification came.
_NOTIFICATION: Final = "notification"


class What(StrEnum):
    """The kind of a journal row."""

    CALL = "call"
    TRANSITION = "move"
    PERSON = "person"
    LATE = "late"
    IGNORED = "ignored"
    RECEIVED = "heard"


class Act(StrEnum):
    """A person's actions on an operation."""

    RETRY = "retry"
    RESUME = "resume"
    RESOLVE = "resolve"
    CANCEL = "cancel"
    RECOVER = "recover"
    READ_ANSWER = "read_answer"
    OPEN_INVOICES = "open_invoices"


@dataclass(frozen=True, slots=True)
class Deed:
    """An action of a person, and why. A repeated message is the same deed."""

    act: Act
    #: As people read it, and as older releases look for it.
    note: str
    by: str
    why: str
    #: What was given with it: a verdict, the provider's id.
    argument: str | None = None


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


def transition(
    operation_id: str,
    attempt: int,
    origin: State | None,
    to: State,
    at: datetime,
    reason: ReasonCode | None = None,
) -> dict[str, Any]:
    """Return the row of a transition, such as `polling → succeeded`; `origin` None: of a start."""
    note = to.value if origin is None else _moved(origin, to)
    if reason is not None:
        note += f": {reason}"
    return _row(
        operation_id, attempt, What.TRANSITION, note, at,
        from_state=origin, to_state=to, reason_code=reason,
    )  # fmt: skip


def erased(operation_id: str, attempt: int, reason: ReasonCode, at: datetime) -> dict[str, Any]:
    """Return the row of data that were erased past their retention while the operation lives."""
    note = f"data erased past their retention: {reason}"
    return _row(
        operation_id, attempt, What.TRANSITION, note, at, action="erase", reason_code=reason
    )


def late_answer(
    operation_id: str, attempt: int, to: State, note: str, at: datetime, took: int
) -> dict[str, Any]:
    """Return the row of an answer that came too late to count; `to`: what it would have made."""
    return _row(operation_id, attempt, What.LATE, note, at, slowest=took, to_state=to)


def late_notification(operation_id: str, attempt: int, to: State, at: datetime) -> dict[str, Any]:
    """Return the row of a notification that came after the end; `to`: what it would have made."""
    note = _came_late(to)
    return _row(operation_id, attempt, What.LATE, note, at, action=_NOTIFICATION, to_state=to)


def person(operation_id: str, attempt: int, deed: Deed, at: datetime) -> dict[str, Any]:
    """Return the row of a person's action."""
    return _row(
        operation_id, attempt, What.PERSON, deed.note, at,
        by=deed.by, detail=deed.why, action=deed.act, argument=deed.argument,
    )  # fmt: skip


def ignored(
    operation_id: str, attempt: int, act: Act, note: str, at: datetime, by: str
) -> dict[str, Any]:
    """Return the row of a message that changed nothing, recorded all the same."""
    return _row(operation_id, attempt, What.IGNORED, note, at, by=by, action=act)


def received_input(
    operation_id: str, attempt: int, name: str, note: str, at: datetime
) -> dict[str, Any]:
    """Return the row of an input that came, by its name."""
    return _row(operation_id, attempt, What.RECEIVED, note, at, action=name)


def received_notification(operation_id: str, attempt: int, at: datetime) -> dict[str, Any]:
    """Return the row of a notification that came from the provider."""
    note = "notification received"
    return _row(operation_id, attempt, What.RECEIVED, note, at, action=_NOTIFICATION)


def has_deed(connection: Connection, operation_id: str, attempt: int, deed: Deed) -> bool:
    """Return whether the journal has this very deed."""
    found = connection.execute(
        select(_ROW.id).where(
            _ROW.operation_id == operation_id,
            _ROW.attempt == attempt,
            _ROW.what == What.PERSON.value,
            _ROW.by == deed.by,
            _ROW.detail == deed.why,
            or_(
                and_(
                    _ROW.action == deed.act.value,
                    _ROW.argument.is_not_distinct_from(deed.argument),
                ),
                and_(_ROW.action.is_(None), _ROW.note == deed.note[:_LONGEST_NOTE]),
            ),
        )
    )
    return found.first() is not None


def has_transition(
    operation_id: ColumnElement[str], attempt: ColumnElement[int], origin: State, to: State
) -> ColumnElement[bool]:
    """Return the condition that an attempt in another query once made a transition."""
    return exists().where(
        _ROW.operation_id == operation_id,
        _ROW.attempt == attempt,
        _ROW.what == What.TRANSITION.value,
        or_(
            and_(_ROW.from_state == origin.value, _ROW.to_state == to.value),
            and_(_ROW.to_state.is_(None), _ROW.note == _moved(origin, to)),
        ),
    )


def has_late_notification(
    connection: Connection, operation_id: str, attempt: int, to: State
) -> bool:
    """Return whether the journal has this late notification already."""
    found = connection.execute(
        select(_ROW.id).where(
            _ROW.operation_id == operation_id,
            _ROW.attempt == attempt,
            _ROW.what == What.LATE.value,
            or_(
                and_(_ROW.action == _NOTIFICATION, _ROW.to_state == to.value),
                and_(_ROW.to_state.is_(None), _ROW.note == _came_late(to)),
            ),
        )
    )
    return found.first() is not None


#: What the column holds.
_LONGEST_NOTE: Final = 200


def _moved(origin: State, to: State) -> str:
    return f"{origin} → {to}"


def _came_late(to: State) -> str:
    return f"notification came too late: {to}"


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
    from_state: State | None = None,
    to_state: State | None = None,
    action: str | None = None,
    argument: str | None = None,
    reason_code: ReasonCode | None = None,
) -> dict[str, Any]:
    return {
        "operation_id": operation_id,
        "attempt": attempt,
        "what": what.value,
        "note": note[:_LONGEST_NOTE],
        "at": at,
        "last_at": last_at or at,
        "count": count,
        "slowest": slowest,
        "by": by,
        "detail": detail,
        "from_state": None if from_state is None else from_state.value,
        "to_state": None if to_state is None else to_state.value,
        "action": None if action is None else str(action),
        "argument": argument,
        "reason_code": None if reason_code is None else reason_code.value,
    }
