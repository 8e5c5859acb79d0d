"""Actions of a person or the marketplace on an operation: always audited, never done twice.

Every action names the attempt that it is meant for. Where another attempt is current, the message
is an old one that was delivered again: it is recorded and changes nothing.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select

from uprid_client.contract.states import State
from worker.domain.snapshot import Snapshot
from worker.store import journal, snapshots
from worker.store.journal import Act, Deed
from worker.store.tables import OPERATIONS


class Done(StrEnum):
    """The result of an action."""

    DONE = "done"
    #: Meant for another attempt, or done before: recorded, nothing changed.
    IGNORED = "ignored"
    UNKNOWN_REFERENCE = "unknown_reference"
    #: The operation's state does not allow it.
    WRONG_STATE = "wrong_state"
    #: The data of the last attempt were erased: a next one needs them anew.
    DATA_ERASED = "data_erased"
    #: The provider's id that was given is another operation's.
    ANOTHERS_REF = "anothers_ref"


@dataclass(frozen=True, slots=True)
class Action:
    """Who acts on which attempt, and why."""

    reference: str
    attempt: int
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Known:
    """The facts of an operation by which an action is checked."""

    provider: str
    kind: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Whether an action may be done, and to which operation."""

    done: Done
    #: As it was found, its row locked; None where there is none.
    found: Snapshot | None

    @property
    def state(self) -> State | None:
        """The state that was found."""
        return None if self.found is None else self.found.state


#: Returns the part of an attempt's progress that is kept: `(kind, progress) -> progress`.
CarryOver = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]

#: How long an attempt goes on past its deadline, by whether it was, or may have been, submitted;
#: None: its deadline stays.
Anew = Callable[[bool], timedelta | None]


def kept(found: Snapshot, carry_over: CarryOver) -> str | None:
    """Return the progress that an operation goes on with."""
    carried = carry_over(found.kind, json.loads(found.progress or "{}"))
    return json.dumps(dict(carried)) if carried else None


def look(connection: Connection, reference: str) -> Known | None:
    """Return the facts of an operation that never change; None where none has the reference."""
    row = connection.execute(
        select(OPERATIONS.c.provider, OPERATIONS.c.kind, OPERATIONS.c.args).where(
            OPERATIONS.c.reference == reference
        )
    ).first()
    return None if row is None else Known(row.provider, row.kind, json.loads(row.args))


def admit(
    connection: Connection,
    act: Act,
    action: Action,
    allowed: Collection[State],
    now: datetime,
    deed: Deed | None = None,
) -> Admitted:
    """Find and lock the operation; return whether the action may be done to it.

    An action for another attempt than the current one is recorded here. So is one whose message
    has come again after it was done: the journal has its `deed` already.
    """
    row = connection.execute(
        select(*snapshots.COLUMNS)
        .where(OPERATIONS.c.reference == action.reference)
        .with_for_update()
    ).first()
    if row is None:
        return Admitted(Done.UNKNOWN_REFERENCE, None)
    found = snapshots.snapshot(row)
    if found.attempt != action.attempt:
        note = f"{act} of attempt {action.attempt} ignored: attempt {found.attempt} is current"
        return _ignored(connection, found, act, note, action, now)
    if found.state in allowed:
        return Admitted(Done.DONE, found)
    if deed is not None and journal.has_deed(connection, found.id, found.attempt, deed):
        note = f"{act} ignored: it was done before"
        return _ignored(connection, found, act, note, action, now)
    return Admitted(Done.WRONG_STATE, found)


def _ignored(
    connection: Connection, found: Snapshot, act: Act, note: str, action: Action, now: datetime
) -> Admitted:
    entry = journal.ignored(found.id, found.attempt, act, note, now, action.by)
    journal.write(connection, [entry])
    return Admitted(Done.IGNORED, found)
