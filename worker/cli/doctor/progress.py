"""Checks the work: whether processes are alive, and what is paused, overdue or unpublished."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from config.settings import Settings
from uprid_client.contract.states import State
from worker.cli.diagnosis import OVERDUE_AFTER
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.cli.doctor.room import check_room
from worker.cli.output import lasting, moment
from worker.domain.states import DRIVEN
from worker.store import outbox, overview, waiting_retention
from worker.store.database import Database
from worker.store.overview import ProviderRow

#: The relay publishes at once: an older event means that no relay works.
_BACKLOG_AFTER: Final = timedelta(seconds=60)
#: How long before it is erased a person is warned of what waits for one.
_AHEAD: Final = timedelta(days=7)
#: Who pauses a provider whose credentials or settings are wrong.
_OURSELVES: Final = "uprid-worker"
_ROLES: Final = ("worker", "poller")


def check_progress(settings: Settings, database: Database) -> Iterator[Finding]:
    """Check workers, providers, due operations and unpublished events."""
    now = database.now()
    with database.read() as connection:
        providers = overview.providers(connection)
        alive = _alive(connection, now - settings.engine.lease_silence)
        yield from _workers(connection, alive)
        yield from check_room(connection, len(alive), settings.engine.connections)
        yield from _providers(providers, now)
        yield from _callbacks(providers)
        yield _overdue(connection, providers, now)
        yield _waiting(connection)
        yield from _erased_soon(connection, settings.retention.payloads, now)
        yield _backlog(connection, now)


def _alive(connection: Connection, silent_before: datetime) -> list[str]:
    return [w.role for w in overview.workers(connection) if w.beat_at >= silent_before]


def _workers(connection: Connection, alive: list[str]) -> Iterator[Finding]:
    busy = any(count.state in DRIVEN for count in overview.counts(connection))
    for role in _ROLES:
        number = alive.count(role)
        if number:
            yield ok(f"{role}s", f"{number} alive")
        else:
            detail = f"none is alive: start one with `uprid {role}`"
            # Before the first start that is as it should be.
            yield fault(f"{role}s", detail) if busy else warning(f"{role}s", detail)


def _providers(providers: Mapping[str, ProviderRow], now: datetime) -> Iterator[Finding]:
    for name, row in providers.items():
        if row.paused_at is not None:
            note = f": {row.paused_note}" if row.paused_note else ""
            detail = f"paused since {moment(row.paused_at)} by {row.paused_by}{note}"
            broken = row.paused_by == _OURSELVES
            yield fault(f"{name} calls", detail) if broken else warning(f"{name} calls", detail)
        elif row.closed_until is not None and row.closed_until > now:
            detail = (
                f"{row.failures} requests failed in a row: rests until {moment(row.closed_until)}"
            )
            yield warning(f"{name} calls", detail)


def _callbacks(providers: Mapping[str, ProviderRow]) -> Iterator[Finding]:
    for name, row in providers.items():
        if row.unknown_callbacks:
            detail = (
                f"{row.unknown_callbacks} so far named an id that no operation has: no harm done"
            )
            yield ok(f"{name} callbacks", detail)


def _overdue(
    connection: Connection, providers: Mapping[str, ProviderRow], now: datetime
) -> Finding:
    late = overview.overdue_counts(connection, now - OVERDUE_AFTER)
    stopped = {name for name, row in providers.items() if _is_stopped(row, now)}
    if not late:
        return ok("overdue", "nothing is")
    counts = ", ".join(f"{number} of {provider}" for provider, number in late.items())
    detail = f"{counts}: see `uprid list --overdue`"
    # Operations of a paused provider are reported above, with the reason.
    return warning("overdue", detail) if late.keys() <= stopped else fault("overdue", detail)


def _waiting(connection: Connection) -> Finding:
    waiting = sum(
        count.operations
        for count in overview.counts(connection)
        if count.state is State.WAITING_FOR_PERSON
    )
    if not waiting:
        return ok("waiting for a person", "none")
    return warning(
        "waiting for a person", f"{waiting}: see `uprid list --state {State.WAITING_FOR_PERSON}`"
    )


def _erased_soon(connection: Connection, kept: timedelta, now: datetime) -> Iterator[Finding]:
    ahead = min(_AHEAD, kept / 4)
    number = waiting_retention.near(connection, now - kept + ahead)
    if number:
        yield warning(
            "data of what waits",
            f"{number} will be erased within {lasting(ahead)}, as UPRID_RETENTION__PAYLOADS has "
            f"it: decide over them, see `uprid list --state {State.WAITING_FOR_PERSON}`",
        )


def _backlog(connection: Connection, now: datetime) -> Finding:
    number, oldest = outbox.backlog(connection)
    if oldest is None:
        return ok("outbox", "all published")
    detail = f"{number} not published yet, the oldest for {lasting(now - oldest)}"
    if now - oldest > _BACKLOG_AFTER:
        return fault("outbox", f"{detail}: is the stream's server there, and a worker alive?")
    return ok("outbox", detail)


def _is_stopped(row: ProviderRow, now: datetime) -> bool:
    resting = row.closed_until is not None and row.closed_until > now
    return row.paused_at is not None or resting
