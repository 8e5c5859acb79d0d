"""Hastening: somebody says that the provider has finished, so it is asked sooner."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, select, update

from worker.operations.model import OPERATIONS, PROVIDERS
from worker.operations.states import State
from worker.operations.store.claims import lock_provider

#: A hint is worth one poll in this time, however often it is given.
_NO_OFTENER_THAN: Final = timedelta(seconds=1)


def hasten(
    connection: Connection, provider: str, provider_ref: str, now: datetime
) -> datetime | None:
    """Make the poll of an attempt due, at once or a moment after the last one; return when.

    None, and counted: no operation's current attempt has this id. Decides nothing; what is not
    being polled, or is due earlier, is left alone.
    """
    named = (OPERATIONS.c.provider_ref == provider_ref, OPERATIONS.c.provider == provider)
    known = connection.execute(
        select(func.count(), func.max(OPERATIONS.c.run_last_at)).where(*named)
    ).one()
    if not known[0]:
        _count_unknown(connection, provider, now)
        return None
    due_at = now if known[1] is None else max(now, known[1] + _NO_OFTENER_THAN)
    polled = (*named, OPERATIONS.c.state == State.POLLING.value, OPERATIONS.c.due_at > due_at)
    connection.execute(
        update(OPERATIONS).where(*polled, OPERATIONS.c.lease_token.is_(None)).values(due_at=due_at)
    )
    # Being asked at this very moment: the answer on its way may be from before the hint.
    connection.execute(
        update(OPERATIONS)
        .where(
            *named,
            OPERATIONS.c.state == State.POLLING.value,
            OPERATIONS.c.lease_token.is_not(None),
        )
        .values(wanted_at=due_at)
    )
    return due_at


def _count_unknown(connection: Connection, provider: str, now: datetime) -> None:
    lock_provider(connection, provider, now)
    connection.execute(
        update(PROVIDERS)
        .where(PROVIDERS.c.name == provider)
        .values(unknown_callbacks=PROVIDERS.c.unknown_callbacks + 1)
    )
