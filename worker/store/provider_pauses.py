"""Pause: all calls to a provider stop, its operations keep their state. Published as events."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from uprid_client.contract.events import EventType
from worker.domain.events import Event, rfc3339
from worker.domain.outcomes import Reason
from worker.store import outbox
from worker.store.claims import lock_provider
from worker.store.tables import PROVIDERS


def pause(
    connection: Connection,
    provider: str,
    by: str,
    note: str,
    now: datetime,
    reason: Reason | None = None,
) -> bool:
    """Stop all calls to a provider; False where they are stopped already. One event tells it."""
    if lock_provider(connection, provider, now).paused:
        return False
    _set(connection, provider, paused_at=now, paused_by=by, paused_note=note[:500])
    reason_json = None if reason is None else reason.as_json()
    hint = f"mend what is wrong, then: uprid unpause {provider}"
    _add_event(
        connection,
        EventType.PROVIDER_PAUSED,
        provider,
        now,
        by,
        note=note,
        reason=reason_json,
        next=hint,
    )
    return True


def unpause(connection: Connection, provider: str, by: str, note: str, now: datetime) -> bool:
    """Let calls to a provider go on, its breaker forgotten; False where they were not stopped."""
    if not lock_provider(connection, provider, now).paused:
        return False
    _set(
        connection,
        provider,
        paused_at=None,
        paused_by=None,
        paused_note=None,
        failures=0,
        closed_until=None,
        probing_until=None,
    )
    _add_event(connection, EventType.PROVIDER_UNPAUSED, provider, now, by, note=note)
    return True


def _set(connection: Connection, provider: str, **values: object) -> None:
    connection.execute(update(PROVIDERS).where(PROVIDERS.c.name == provider).values(**values))


def _add_event(
    connection: Connection,
    kind: EventType,
    provider: str,
    now: datetime,
    by: str,
    **more: Any,
) -> None:
    data = {"provider": provider, "at": rfc3339(now), "by": by, **more}
    outbox.add(connection, Event(type=kind, subject=provider, time=now, data=data))
