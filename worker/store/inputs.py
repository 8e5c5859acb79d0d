"""Inputs: what a person supplies during an attempt, such as the code that came by SMS."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, select, update

from worker.domain.ids import new_id
from worker.domain.states import State
from worker.store import journal
from worker.store.claims import URGENT
from worker.store.tables import INPUTS, OPERATIONS

#: An attempt in these may have a session by now; one that waits for a person goes on with it.
_TAKING: Final = frozenset({State.SUBMITTING, State.POLLING, State.WAITING_FOR_PERSON})


class Offered(StrEnum):
    """What became of an input."""

    TAKEN = "taken"
    #: This message, or this input in this session, came before: it counts once.
    KNOWN = "known"
    TOO_MANY = "too_many"
    UNKNOWN_REFERENCE = "unknown_reference"
    ANOTHER_PROVIDER = "another_provider"
    #: Nothing is being identified that could want it.
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
    row = (
        connection.execute(
            select(OPERATIONS).where(OPERATIONS.c.reference == given.reference).with_for_update()
        )
        .mappings()
        .first()
    )
    if row is None:
        return Offered.UNKNOWN_REFERENCE, None
    state = State(row["state"])
    if row["provider"] != given.provider:
        return Offered.ANOTHER_PROVIDER, state
    # Whatever its attempt: a message that comes again must not spend the next session's tries.
    if _seen(connection, INPUTS.c.operation_id == row["id"], given.message_id):
        return Offered.KNOWN, state
    if state not in _TAKING:
        return Offered.NOT_WANTED, state
    fingerprint = given.fingerprint(row["id"], row["attempt"])
    if _has(connection, row, fingerprint):
        return Offered.KNOWN, state
    count = _count(connection, row)
    if count >= given.limit:
        return Offered.TOO_MANY, state
    connection.execute(
        insert(INPUTS).values(
            id=new_id(),
            operation_id=row["id"],
            attempt=row["attempt"],
            name=given.name,
            message_id=given.message_id,
            fingerprint=fingerprint,
            sealed=given.sealed,
            at=now,
        )
    )
    _make_due(connection, row, now)
    note = f"{given.name} received ({count + 1} of {given.limit})"
    journal.write(connection, [journal.heard(row["id"], row["attempt"], note, now)])
    return Offered.TAKEN, state


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


def _has(connection: Connection, row: RowMapping, fingerprint: str) -> bool:
    found = connection.execute(
        select(INPUTS.c.id).where(
            INPUTS.c.operation_id == row["id"],
            INPUTS.c.attempt == row["attempt"],
            INPUTS.c.fingerprint == fingerprint,
        )
    )
    return found.first() is not None


def _count(connection: Connection, row: RowMapping) -> int:
    count: int = connection.execute(
        select(func.count()).where(
            INPUTS.c.operation_id == row["id"], INPUTS.c.attempt == row["attempt"]
        )
    ).scalar_one()
    return count


def _make_due(connection: Connection, row: RowMapping, now: datetime) -> None:
    values: dict[str, object] = {"inputs_waiting": OPERATIONS.c.inputs_waiting + 1}
    if State(row["state"]) is State.POLLING and row["missing"] is not None:
        values["lane"] = URGENT
        values["due_at" if row["lease_token"] is None else "wanted_at"] = now
    connection.execute(update(OPERATIONS).where(OPERATIONS.c.id == row["id"]).values(**values))
