"""The sweep: finds forgotten work. It goes by due times alone, never by markers or messages.

Every worker process has one; a lock in the database lets one of them through at a time. Beat is a
second trigger, and nothing depends on it.

What needs the database alone (`tidy`), what talks to the broker (`rouse`) and what talks to the
stream (the relay) have a thread and a lock each: a server that stands still blocks only its own
part.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from uprid_client.names import Provider
from worker.domain.ids import new_id
from worker.engine.wakeups import Wakeups
from worker.store import leases, schedule
from worker.store.database import Database
from worker.store.retention import Retention, purge

log = structlog.get_logger(__name__)

_LOCK: Final = "sweep"
_ROUSING_LOCK: Final = "rouse"
_DAILY_LOCK: Final = "housekeeping"
_HOUSEKEEPING_EVERY: Final = timedelta(hours=1)
#: Slots that may pass before something due counts as forgotten.
_GRACE_SLOTS: Final = 3


class StreamUpkeep(Protocol):
    """The relay, as the sweep needs it: it works in a thread of its own."""

    def verify_soon(self) -> None:
        """Ask for a look whether the stream lost anything. Returns at once."""

    def trim_soon(self) -> None:
        """Ask that the stream drop what is older than the retention. Returns at once."""


class Incarnation(Protocol):
    """This process's incarnation, as the sweep needs it."""

    def may_call_silent(self, now: datetime) -> bool:
        """Return whether this process may call others silent; `now`: the database's, just read."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The sweep's times."""

    every: timedelta
    silence: timedelta
    slot: timedelta
    retention: Retention


class Sweep:
    """One process's sweep."""

    def __init__(
        self,
        database: Database,
        providers: frozenset[Provider],
        wakeups: Wakeups,
        stream_upkeep: StreamUpkeep,
        incarnation: Incarnation,
        timing: Timing,
    ) -> None:
        self._database = database
        self._providers = providers
        self._wakeups = wakeups
        self._stream_upkeep = stream_upkeep
        self._incarnation = incarnation
        self._timing = timing

    def run(self) -> None:
        """Sweep once, except the parts that another process has just done."""
        self.tidy()
        self.rouse()

    def tidy(self) -> None:
        """Free leases and erase what is past its retention. Needs nothing but the database."""
        if not self._mine(_LOCK, self._timing.every * 0.9):
            return
        self._free_leases()
        self._stream_upkeep.verify_soon()
        if self._mine(_DAILY_LOCK, _HOUSEKEEPING_EVERY):
            self.purge()

    def rouse(self) -> None:
        """Wake the providers at which something is overdue. Talks to the broker."""
        if self._mine(_ROUSING_LOCK, self._timing.every * 0.9):
            self._wake_overdue()

    def purge(self) -> dict[str, int]:
        """Erase what is past its retention; return how much of what in the database."""
        self._stream_upkeep.trim_soon()
        erased = purge(self._database, self._timing.retention)
        if any(erased.values()):
            log.info("purged", **erased)
        return erased

    def _mine(self, name: str, lasting: timedelta) -> bool:
        # Never released early: the lock also keeps every process from sweeping again right after.
        # Its holder is a new id each time, so that this process is kept out, too.
        with self._database.begin() as connection:
            now = self._database.now()
            return leases.hold_lock(connection, name, new_id(), now, lasting)

    def _free_leases(self) -> None:
        with self._database.begin() as connection:
            # Read the time before judging. If the database stands still after this, the time is old
            # and no process looks silent by it; if before, this process knows by its own beats.
            now = self._database.measured_now(connection)
            if not self._incarnation.may_call_silent(now):
                return
            freed = leases.free_silent(connection, now, self._timing.silence)
            poisoned = leases.park_poison(connection, now)
        if freed:
            log.warning("leases_freed", operations=freed)
        for reference in poisoned:
            log.error("operation_poisoned", reference=reference)

    def _wake_overdue(self) -> None:
        forgotten = self._database.now() - _GRACE_SLOTS * self._timing.slot
        with self._database.read() as connection:
            overdue = [
                provider
                for provider in sorted(self._providers)
                if schedule.overdue(connection, provider, forgotten)
            ]
        for provider in overdue:
            if self._wakeups.overdue(provider):
                log.info("overdue_woken", provider=provider)
