"""The incarnation: this process as the others see it, by a heart that beats in the database."""

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from worker.background import Repeating
from worker.engine.chunk import Halt
from worker.errors import DatabaseUnavailable
from worker.operations.database import Database
from worker.operations.identifiers import new_id
from worker.operations.store import leases

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
        self._silence = silence.total_seconds()
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._left = threading.Event()
        self._abandoned: set[str] = set()
        self._lock = threading.Lock()
        self._last_beat: float | None = None
        self._beating_since: float | None = None
        #: What was taken before this belongs to others by now.
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
        """Stop beating and free whatever is still held."""
        self._stopping.set()
        self._left.set()
        self._heart.stop()
        self.forsake()

    def forsake(self) -> None:
        """Free whatever is still held, without waiting for anything of this process."""
        try:
            with self._database.begin() as connection:
                leases.leave(connection, self.id)
        except DatabaseUnavailable:
            log.warning("left_without_good_bye", incarnation=self.id)

    def halted(self, taken_at: float) -> Halt | None:
        """Return why nothing more may be asked about what was taken then, or None.

        By this host's monotonic clock.
        """
        if self._stopping.is_set():
            return Halt.STOPPING
        last = self._last_beat
        if (
            last is None
            or self._monotonic() - last > self._silence
            or taken_at <= self._disowned_at
        ):
            return Halt.LEASE_DOUBTED
        return None

    def judges(self) -> bool:
        """Tell whether this process has been heard long enough to call others silent.

        After an outage of the database everybody looks silent, whoever looks first included.
        """
        since = self._beating_since
        return since is not None and self._monotonic() - since >= self._silence

    def abandon(self, token: str) -> None:
        """Give back the leases of a chunk with the next beat."""
        with self._lock:
            self._abandoned.add(token)

    def pause(self, seconds: float) -> None:
        """Wait a moment, shorter where the process is leaving."""
        self._left.wait(seconds)

    def beat(self) -> None:
        """Beat once."""
        # Before it is written: the others count from then, however long the write takes.
        beat_at = self._monotonic()
        try:
            with self._database.begin() as connection:
                is_new = leases.beat(
                    connection,
                    incarnation=self.id,
                    role=self._role,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    now=self._database.now(),
                )
                with self._lock:
                    abandoned = sorted(self._abandoned)
                leases.free_chunks(connection, abandoned)
        except DatabaseUnavailable:
            self._beating_since = None
            log.warning("heartbeat_missed", incarnation=self.id)
            return
        with self._lock:
            self._abandoned.difference_update(abandoned)
        if is_new and self._last_beat is not None:
            # Before this beat counts: a chunk that slept as long must not take heart from it.
            self._disowned_at = self._monotonic()
            log.warning("leases_lost", incarnation=self.id)
        if self._last_beat is None or beat_at - self._last_beat > self._silence:
            self._beating_since = None
        self._last_beat = beat_at
        self._beating_since = self._beating_since or beat_at
