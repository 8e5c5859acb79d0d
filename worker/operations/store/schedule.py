"""The schedule as the database has it: what is due, and what a provider's health forbids."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from worker.events.model import Event, EventType, rfc3339
from worker.operations.model import OPERATIONS, OUTBOX, PROVIDERS
from worker.operations.outcomes import Reason
from worker.operations.store.claims import ORDINARY, URGENT, lock_provider


def overdue(connection: Connection, provider: str, before: datetime) -> bool:
    """Tell whether a provider may be called and has free work that was due before a time."""
    rests = select(PROVIDERS.c.name).where(
        PROVIDERS.c.name == provider,
        PROVIDERS.c.paused_at.is_not(None) | (PROVIDERS.c.closed_until > before),
    )
    if connection.execute(rests).first() is not None:
        return False
    # A question a lane: each is one look into the index, however much is waiting.
    return any(
        connection.execute(
            select(OPERATIONS.c.id)
            .where(
                OPERATIONS.c.provider == provider,
                OPERATIONS.c.lane == lane,
                OPERATIONS.c.due_at < before,
                OPERATIONS.c.lease_token.is_(None),
            )
            .limit(1)
        ).first()
        for lane in (URGENT, ORDINARY)
    )


def pause(
    connection: Connection, provider: str, by: str, note: str, now: datetime, reason: Reason | None
) -> bool:
    """Stop all calls to a provider; False where they are stopped already. One event tells it."""
    lock_provider(connection, provider, now)  # makes the row of one that was never called
    paused = connection.execute(
        update(PROVIDERS)
        .where(PROVIDERS.c.name == provider, PROVIDERS.c.paused_at.is_(None))
        .values(paused_at=now, paused_by=by, paused_note=note[:500])
    )
    if paused.rowcount == 0:
        return False
    event = Event(
        type=EventType.PROVIDER_PAUSED,
        subject=provider,
        time=now,
        data={
            "provider": provider,
            "paused_at": rfc3339(now),
            "by": by,
            "reason": None if reason is None else reason.as_json(),
            "next": f"mend what is wrong, then: uprid unpause {provider}",
        },
    )
    connection.execute(insert(OUTBOX), [event.row()])
    return True


def unpause(connection: Connection, provider: str) -> bool:
    """Let calls to a provider go on; False where they were not stopped."""
    resumed = connection.execute(
        update(PROVIDERS)
        .where(PROVIDERS.c.name == provider, PROVIDERS.c.paused_at.is_not(None))
        .values(
            paused_at=None, paused_by=None, paused_note=None, failures=0, closed_until=None,
            probing_until=None,
        )
    )  # fmt: skip
    return resumed.rowcount > 0
