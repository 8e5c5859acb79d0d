"""The schedule in the database: what is due at a provider that may be called."""

from datetime import datetime

from sqlalchemy import Connection, select

from worker.store.claims import ORDINARY, URGENT
from worker.store.tables import OPERATIONS, PROVIDERS


def overdue(connection: Connection, provider: str, before: datetime) -> bool:
    """Return whether a provider may be called and has free work that was due before a time."""
    rests = select(PROVIDERS.c.name).where(
        PROVIDERS.c.name == provider,
        PROVIDERS.c.paused_at.is_not(None) | (PROVIDERS.c.closed_until > before),
    )
    if connection.execute(rests).first() is not None:
        return False
    # One query per lane: each is a single index lookup, however many operations wait.
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
