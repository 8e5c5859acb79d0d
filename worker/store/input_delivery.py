"""Input delivery: an input is marked before its call to the provider and settled after it."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select, update

from uprid_client.contract.states import State
from worker.store.tables import INPUTS, OPERATIONS


@dataclass(frozen=True, slots=True)
class Supplying:
    """An input that is about to be sent."""

    id: str
    sealed: str = field(repr=False)


def mark_supplying(
    connection: Connection, operation_id: str, attempt: int, lease_id: str, now: datetime
) -> Supplying | None:
    """Record that the oldest waiting input is about to be sent; None where it must not be.

    Committed before the call, like a submit's mark: an input counts as sent from here on, and
    a process that finds the operation later asks how it stands and never sends the input again.
    """
    ours = (
        OPERATIONS.c.id == operation_id,
        OPERATIONS.c.lease_token == lease_id,
        OPERATIONS.c.state == State.POLLING.value,
        OPERATIONS.c.missing.is_not(None),
    )
    # Locked before anything is counted: an input may be coming at this moment.
    if connection.execute(select(OPERATIONS.c.id).where(*ours).with_for_update()).first() is None:
        return None
    waiting = connection.execute(
        select(INPUTS.c.id, INPUTS.c.sealed)
        .where(
            INPUTS.c.operation_id == operation_id,
            INPUTS.c.attempt == attempt,
            INPUTS.c.sent_at.is_(None),
            INPUTS.c.sealed.is_not(None),
        )
        .order_by(INPUTS.c.at, INPUTS.c.id)
        .limit(1)
    ).first()
    if waiting is None:
        # A count without an input: put right, and the provider is asked how it stands.
        connection.execute(update(OPERATIONS).where(*ours).values(inputs_waiting=0))
        return None
    connection.execute(
        update(OPERATIONS)
        .where(*ours)
        .values(
            missing=None,
            inputs_sent=OPERATIONS.c.inputs_sent + 1,
            inputs_waiting=OPERATIONS.c.inputs_waiting - 1,
            input_sent_at=now,
        )
    )
    connection.execute(update(INPUTS).where(INPUTS.c.id == waiting.id).values(sent_at=now))
    return Supplying(waiting.id, waiting.sealed)


def settle(connection: Connection, input_id: str, *, returned: bool) -> None:
    """Return an input to waiting that was certainly not sent, or forget one that was sent."""
    values: dict[str, object] = {"sent_at": None} if returned else {"sealed": None}
    connection.execute(update(INPUTS).where(INPUTS.c.id == input_id).values(**values))
