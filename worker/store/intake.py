"""Intake: a start message becomes a row and an `accepted` event, once."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from uprid_client.contract.refusal_reasons import Reason
from worker.domain.event_data import Standing, tell
from worker.domain.events import Event, EventType
from worker.domain.ids import new_id
from worker.domain.intake import Intake
from worker.domain.refusal_reasons import as_row
from worker.domain.states import State
from worker.store import journal
from worker.store.claims import URGENT
from worker.store.tables import ATTEMPTS, OPERATIONS, OUTBOX, REFUSALS

#: What the column holds.
_LONGEST_REASON: Final = 500


class Taken(StrEnum):
    """What became of a start message."""

    NEW = "new"
    #: The same data under the same reference: harmless.
    KNOWN = "known"
    #: Other data under a used reference: to be refused.
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Start:
    """A start message that was found good."""

    provider: str
    reference: str
    intake: Intake
    fingerprint: str
    #: The canonical payload, sealed.
    sealed: str | None = field(repr=False)
    #: When an attempt that never got through to the provider is given up.
    give_up_at: datetime
    #: Keyed hash of whom the provider's notifications speak.
    party: str | None = None


def accept(connection: Connection, start: Start, now: datetime) -> Taken:
    """Store a new operation and tell that it is ours, unless the reference is used."""
    operation_id = new_id()
    flavour = postgresql if connection.dialect.name == "postgresql" else sqlite
    inserted = connection.execute(
        flavour.insert(OPERATIONS)
        .values(
            id=operation_id,
            reference=start.reference,
            provider=start.provider,
            kind=start.intake.kind,
            state=State.ACCEPTED.value,
            attempt=1,
            args=json.dumps(dict(start.intake.args)),
            lane=URGENT,
            due_at=now,
            deadline_at=start.give_up_at,
            claims=0,
            polls=0,
            faults=0,
            sequence=1,
            created_at=now,
            run_count=0,
            run_slowest=0,
        )
        .on_conflict_do_nothing(index_elements=["reference"])
        .returning(OPERATIONS.c.id)
    ).first()
    if inserted is None:
        known = is_known(connection, start.reference, start.fingerprint)
        return Taken.KNOWN if known else Taken.CONFLICT
    connection.execute(
        insert(ATTEMPTS).values(
            operation_id=operation_id,
            number=1,
            fingerprint=start.fingerprint,
            party=start.party,
            sealed=start.sealed,
            accepted_at=now,
        )
    )
    standing = Standing(
        operation_id=operation_id,
        reference=start.reference,
        provider=start.provider,
        kind=start.intake.kind,
        attempt=1,
        state=State.ACCEPTED,
    )
    event = tell(EventType.ACCEPTED, standing, 1, now, new_id())
    connection.execute(insert(OUTBOX), [event.row()])
    journal.write(connection, [journal.move(operation_id, 1, State.ACCEPTED, now)])
    return Taken.NEW


def refuse(
    connection: Connection,
    *,
    message_id: str,
    task: str,
    reference: str | None,
    fields: tuple[str, ...],
    reason: Reason,
    now: datetime,
) -> bool:
    """Record a message that cannot be taken and tell it; False where that was done before."""
    flavour = postgresql if connection.dialect.name == "postgresql" else sqlite
    recorded = connection.execute(
        flavour.insert(REFUSALS)
        .values(
            message_id=message_id,
            task=task,
            reference=reference,
            fields=json.dumps(fields),
            reason=as_row(reason, _LONGEST_REASON),
            at=now,
        )
        .on_conflict_do_nothing()
        .returning(REFUSALS.c.message_id)
    ).first()
    if recorded is None:
        return False
    event = Event(
        type=EventType.MESSAGE_REFUSED,
        # CloudEvents allows no empty subject.
        subject=reference or message_id,
        time=now,
        data={
            "reference": reference,
            "task": task,
            "message_id": message_id,
            "fields": list(fields),
            "reason": reason,
        },
    )
    connection.execute(insert(OUTBOX), [event.row()])
    return True


def is_known(connection: Connection, reference: str, fingerprint: str) -> bool:
    """Tell whether these very data were taken under the reference before.

    Any attempt's data count: the first message may come again after a retry.
    """
    same = connection.execute(
        select(ATTEMPTS.c.number)
        .join(OPERATIONS, OPERATIONS.c.id == ATTEMPTS.c.operation_id)
        .where(OPERATIONS.c.reference == reference, ATTEMPTS.c.fingerprint == fingerprint)
    ).first()
    return same is not None
