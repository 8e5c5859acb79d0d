"""Inputs: what a person supplies during an attempt, such as the code that came by SMS."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Connection, func, select, update

from uprid_client.contract.states import State
from worker.domain.ids import new_id
from worker.domain.snapshot import Snapshot
from worker.store import journal, model_rows, snapshots, transitions
from worker.store.claims import URGENT
from worker.store.tables import INPUTS, OPERATIONS
from worker.store.tables import Input as Kept

#: An attempt in these may have a session by now; one that waits for a person goes on with it.
_TAKING: Final = frozenset({State.SUBMITTING, State.POLLING, State.WAITING_FOR_PERSON})


class Offered(StrEnum):
    """The result of offering an input."""

    TAKEN = "taken"
    #: This message, or this input in this session, came before: it counts once.
    KNOWN = "known"
    TOO_MANY = "too_many"
    UNKNOWN_REFERENCE = "unknown_reference"
    ANOTHER_PROVIDER = "another_provider"
    #: No identification is under way that could want it.
    NOT_WANTED = "not_wanted"


@dataclass(frozen=True, slots=True)
class Input:
    """An input that was found good."""

    provider: str
    reference: str
    name: str
    message_id: str
    #: Keyed hash of the input within one attempt of one operation.
    fingerprint: Callable[[str, int], str] = field(repr=False)
    sealed: str = field(repr=False)
    #: How many the provider takes in one attempt.
    limit: int = 5


def offer(connection: Connection, given: Input, now: datetime) -> tuple[Offered, State | None]:
    """Store an input for the current attempt, and make the operation due where it is wanted."""
    row = connection.execute(
        select(*snapshots.COLUMNS)
        .where(OPERATIONS.c.reference == given.reference)
        .with_for_update()
    ).first()
    if row is None:
        return Offered.UNKNOWN_REFERENCE, None
    found = snapshots.snapshot(row)
    if found.provider != given.provider:
        return Offered.ANOTHER_PROVIDER, found.state
    # Of any attempt: a repeated message must not use up the next session's tries.
    if _seen(connection, INPUTS.c.operation_id == found.id, given.message_id):
        return Offered.KNOWN, found.state
    if found.state not in _TAKING:
        return Offered.NOT_WANTED, found.state
    fingerprint = given.fingerprint(found.id, found.attempt)
    if _has(connection, found, fingerprint):
        return Offered.KNOWN, found.state
    count = _count(connection, found)
    if count >= given.limit:
        return Offered.TOO_MANY, found.state
    kept = Kept(
        id=new_id(),
        operation_id=found.id,
        attempt=found.attempt,
        name=given.name,
        message_id=given.message_id,
        fingerprint=fingerprint,
        sealed=given.sealed,
        at=now,
    )
    model_rows.add(connection, kept)
    transitions.adjust(connection, found, _supplied(found, now))
    note = f"{given.name} received ({count + 1} of {given.limit})"
    received = journal.received_input(found.id, found.attempt, given.name, note, now)
    journal.write(connection, [received])
    return Offered.TAKEN, found.state


def forget(connection: Connection, operation_id: str) -> None:
    """Erase what was supplied: its attempt has ended."""
    connection.execute(
        update(INPUTS)
        .where(INPUTS.c.operation_id == operation_id)
        .values(sealed=None, fingerprint=None)
    )


def _seen(connection: Connection, of_operation: ColumnElement[bool], message_id: str) -> bool:
    found = connection.execute(
        select(INPUTS.c.id).where(of_operation, INPUTS.c.message_id == message_id)
    )
    return found.first() is not None


def _has(connection: Connection, found: Snapshot, fingerprint: str) -> bool:
    same = connection.execute(
        select(INPUTS.c.id).where(
            INPUTS.c.operation_id == found.id,
            INPUTS.c.attempt == found.attempt,
            INPUTS.c.fingerprint == fingerprint,
        )
    )
    return same.first() is not None


def _count(connection: Connection, found: Snapshot) -> int:
    count: int = connection.execute(
        select(func.count()).where(
            INPUTS.c.operation_id == found.id, INPUTS.c.attempt == found.attempt
        )
    ).scalar_one()
    return count


def _supplied(found: Snapshot, now: datetime) -> Snapshot:
    """Return an operation for which one more input waits, due at once where it is wanted."""
    supplied = replace(found, inputs_waiting=found.inputs_waiting + 1)
    if found.state is not State.POLLING or found.missing is None:
        return supplied
    if found.is_leased:
        return replace(supplied, lane=URGENT, hurried_at=now)
    return replace(supplied, lane=URGENT, due_at=now)
