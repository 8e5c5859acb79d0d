"""The incarnation: this process as the others see it, by its heartbeat in the database."""

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from worker.domain.ids import new_id
from worker.engine.halt import Halt
from worker.engine.held import Held
from worker.engine.pulse import Beat, Pulse
from worker.periodic import Repeating
from worker.store import leases
from worker.store.database import DATABASE_ERRORS, Database

log = structlog.get_logger(__name__)


class Incarnation:
    """One life of one worker process. Its leases are good as long as its heart beats."""

    def __init__(
        self,
        database: Database,
        role: str,
        *,
        every: timedelta,
        silence: timedelta,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.id = new_id()
        self._database = database
        self._role = role
        self._every = every.total_seconds()
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._left = threading.Event()
        self._held = Held(monotonic)
        self._pulse = Pulse(every, silence, monotonic)
        #: Chunks that were taken before this belong to other processes by now.
        self._disowned_at = float("-inf")
        # A stopping process still holds what it is working on: it beats until it leaves.
        self._heart = Repeating("heartbeat", self._every, self.beat)

    def start(self) -> None:
        """Begin to beat."""
        self.beat()
        self._heart.start()

    def stop(self) -> None:
        """Begin to stop: chunks take nothing new."""
        self._stopping.set()

    def leave(self) -> None:
        """Stop beating and free all leases that are still held."""
        self._stopping.set()
        self._left.set()
        self._heart.stop()
        self.forsake()

    def forsake(self) -> None:
        """Free all leases that are still held, without waiting for anything of this process."""
        try:
            with self._database.begin() as connection:
                leases.leave(connection, self.id)
        except DATABASE_ERRORS:
            log.warning("left_without_good_bye", incarnation=self.id)

    def halted(self, taken_at: float, lease_id: str | None = None) -> Halt | None:
        """Return why no more calls may be made for a chunk that was taken at this time, or None.

        By this host's monotonic clock; `lease_id`: under which it was taken.
        """
        if self._stopping.is_set():
            return Halt.STOPPING
        if not self._pulse.is_good() or taken_at <= self._disowned_at:
            return Halt.LEASE_DOUBTED
        if lease_id is not None and not self._held.holds(lease_id):
            return Halt.LEASE_DOUBTED
        return None

    def may_call_silent(self, now: datetime) -> bool:
        """Return whether this process may call others silent; `now`: the database's, just read.

        After an outage of the database all processes look silent, this one included.
        """
        return self._pulse.may_call_silent(now)

    def hold(self, lease_id: str, seconds: float) -> None:
        """Begin to work under a lease id, before anything is claimed.

        After so many seconds without any progress its leases are free, even if it hangs in a call.
        """
        self._held.hold(lease_id, seconds)

    def renew(self, lease_id: str) -> None:
        """Say that there is progress under a lease id."""
        self._held.renew(lease_id)

    def release(self, lease_id: str, *, suspected: bool) -> None:
        """Work no more under a lease id: what is still leased under it is free with the next beat.

        `suspected`: one of its operations may be to blame, so their claims go on counting.
        """
        self._held.release(lease_id, suspected=suspected)

    def stops_within(self, seconds: float) -> bool:
        """Wait; return whether this process began to stop meanwhile, or had before."""
        return self._stopping.wait(seconds)

    def pause(self, seconds: float) -> None:
        """Wait a moment, shorter where the process is leaving."""
        self._left.wait(seconds)

    def beat(self) -> None:
        """Beat once, and free what this process owns and does not work on."""
        # Before it is written: the others count from then, however long the write takes.
        began = self._monotonic()
        try:
            with self._database.begin() as connection:
                # Read on this connection: an earlier time would make the beat look old.
                now = self._database.measured_now(connection)
                is_new = leases.beat(
                    connection,
                    incarnation=self.id,
                    role=self._role,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    now=now,
                )
                left = self._held.left(leases.lease_ids_of(connection, self.id))
                leases.free_uncounted(connection, left.given_up)
                leases.free_counted(connection, left.suspected)
        except DATABASE_ERRORS as error:
            self._pulse.missed()
            log.warning("heartbeat_missed", incarnation=self.id, error=type(error).__name__)
            return
        if is_new and self._pulse.last is not None:
            # Before this beat counts: a chunk that slept as long must not go on because of it.
            self._disowned_at = self._monotonic()
            log.warning("leases_lost", incarnation=self.id)
        self._pulse.confirmed(Beat(began, now))
