"""Start messages as rows: an operation and its `accepted` event, once; or a refusal."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, select

from uprid_client.contract.events import EventType
from uprid_client.contract.refusal_reasons import Reason
from uprid_client.contract.states import State
from worker.domain.events import Event
from worker.domain.ids import new_id
from worker.domain.refusal_reasons import as_row
from worker.domain.snapshot import Snapshot
from worker.domain.start_data import StartData
from worker.store import model_rows, outbox, transitions
from worker.store.claims import URGENT
from worker.store.dialects import insert_into
from worker.store.tables import ATTEMPTS, OPERATIONS, REFUSALS, Attempt, Refusal

#: What the column holds.
_LONGEST_REASON: Final = 500


class Taken(StrEnum):
    """The result of storing a start message."""

    NEW = "new"
    #: The same data under the same reference: harmless.
    KNOWN = "known"
    #: Other data under a used reference: to be refused.
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class NewOperation:
    """A start message that was found good."""

    provider: str
    reference: str
    data: StartData
    fingerprint: str
    #: The canonical payload, sealed.
    sealed: str | None = field(repr=False)
    #: When an attempt that never got through to the provider is given up.
    give_up_at: datetime
    #: Keyed hash of whom the provider's notifications speak.
    subject_hash: str | None = None


def accept(connection: Connection, start: NewOperation, now: datetime) -> Taken:
    """Store a new operation and its `accepted` event, unless the reference is used."""
    opened = Snapshot(
        id=new_id(),
        reference=start.reference,
        provider=start.provider,
        kind=start.data.kind,
        state=State.ACCEPTED,
        attempt=1,
        args=start.data.args,
        lane=URGENT,
        due_at=now,
        deadline_at=start.give_up_at,
        sequence=1,
        created_at=now,
    )
    attempt = Attempt(
        operation_id=opened.id,
        number=opened.attempt,
        fingerprint=start.fingerprint,
        subject_hash=start.subject_hash,
        sealed=start.sealed,
        accepted_at=now,
    )
    if transitions.create(connection, opened, attempt, now):
        return Taken.NEW
    known = is_known(connection, start.reference, start.fingerprint)
    return Taken.KNOWN if known else Taken.CONFLICT


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
    """Record and publish a message that cannot be taken; False where that was done before."""
    refusal = Refusal(
        message_id=message_id,
        task=task,
        reference=reference,
        fields=json.dumps(fields),
        reason=as_row(reason, _LONGEST_REASON),
        at=now,
    )
    recorded = connection.execute(
        insert_into(connection, REFUSALS)
        .values(**model_rows.values_of(refusal))
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
    outbox.add(connection, event)
    return True


def is_known(connection: Connection, reference: str, fingerprint: str) -> bool:
    """Return whether these very data were taken under the reference before.

    Any attempt's data count: the first message may come again after a retry.
    """
    same = connection.execute(
        select(ATTEMPTS.c.number)
        .join(OPERATIONS, OPERATIONS.c.id == ATTEMPTS.c.operation_id)
        .where(OPERATIONS.c.reference == reference, ATTEMPTS.c.fingerprint == fingerprint)
    ).first()
    return same is not None
