"""Callbacks: a hint that the provider has finished, which triggers an earlier poll."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, case, func, literal, not_, or_, select, update

from uprid_client.contract.states import State
from worker.store.claims import lock_provider
from worker.store.tables import OPERATIONS, PROVIDERS

#: Any number of hints within this time trigger one poll.
_NO_OFTENER_THAN: Final = timedelta(seconds=1)


def hasten(
    connection: Connection, provider: str, provider_ref: str, now: datetime
) -> datetime | None:
    """Make the poll of an attempt due, at once or a moment after the last one; return when.

    Returns None, and counts the callback, where no current attempt has this id. An operation that
    is not being polled, or is due earlier, is left alone.
    """
    named = (OPERATIONS.c.provider_ref == provider_ref, OPERATIONS.c.provider == provider)
    known = connection.execute(
        select(func.count(), func.max(OPERATIONS.c.run_last_at)).where(*named)
    ).one()
    if not known[0]:
        _count_unknown(connection, provider, now)
        return None
    due_at = now if known[1] is None else max(now, known[1] + _NO_OFTENER_THAN)
    is_free = OPERATIONS.c.lease_token.is_(None)
    then = literal(due_at, OPERATIONS.c.due_at.type)
    wanted_at = OPERATIONS.c.wanted_at
    # In one statement: between two of them the lease could end, and the hint reach neither.
    connection.execute(
        update(OPERATIONS)
        .where(
            *named,
            OPERATIONS.c.state == State.POLLING.value,
            or_(not_(is_free), OPERATIONS.c.due_at > due_at),
        )
        .values(
            due_at=case((is_free, then), else_=OPERATIONS.c.due_at),
            # Being asked at this very moment: the answer on its way may be from before the hint.
            wanted_at=case((is_free, wanted_at), (wanted_at < then, wanted_at), else_=then),
        )
    )
    return due_at


def _count_unknown(connection: Connection, provider: str, now: datetime) -> None:
    lock_provider(connection, provider, now)
    connection.execute(
        update(PROVIDERS)
        .where(PROVIDERS.c.name == provider)
        .values(unknown_callbacks=PROVIDERS.c.unknown_callbacks + 1)
    )
