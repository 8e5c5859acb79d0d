"""Hastening: somebody says that the provider has finished, so it is asked sooner."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from worker.operations.model import OPERATIONS, PROVIDERS
from worker.operations.states import State

#: A hint is worth one poll in this time, however often it is given.
_NO_OFTENER_THAN: Final = timedelta(seconds=1)


def hasten(connection: Connection, provider: str, provider_ref: str, now: datetime) -> bool:
    """Make the poll of an attempt due now; False where no attempt of the provider has this id.

    Decides nothing, and what is not being polled is left alone.
    """
    known = connection.execute(
        select(OPERATIONS.c.id).where(
            OPERATIONS.c.provider == provider, OPERATIONS.c.provider_ref == provider_ref
        )
    ).first()
    if known is None:
        _count_unknown(connection, provider, now)
        return False
    polled_lately = OPERATIONS.c.run_last_at > now - _NO_OFTENER_THAN
    connection.execute(
        update(OPERATIONS)
        .where(
            OPERATIONS.c.id == known.id,
            OPERATIONS.c.state == State.POLLING.value,
            OPERATIONS.c.lease_token.is_(None),
            OPERATIONS.c.due_at > now,
            OPERATIONS.c.run_last_at.is_(None) | ~polled_lately,
        )
        .values(due_at=now)
    )
    return True


def _count_unknown(connection: Connection, provider: str, now: datetime) -> None:
    flavour = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        flavour.insert(PROVIDERS)
        .values(name=provider, failures=0, tokens=0.0, tokens_at=now, unknown_callbacks=1)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"unknown_callbacks": PROVIDERS.c.unknown_callbacks + 1},
        )
    )
