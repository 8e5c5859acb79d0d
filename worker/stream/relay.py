"""The relay: publishes the outbox to the stream, in order, and again what the server lost.

One process relays at a time, by a lock in the database; the others find nothing to do. Should two
ever overlap (a process that slept through its lock), the server's memory of ids keeps the second
from publishing anything twice or out of turn.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from worker.domain.ids import new_id
from worker.periodic import Repeating
from worker.store import leases, outbox
from worker.store.database import Database
from worker.store.outbox import NOTHING, Line, Position, Refill
from worker.stream.stream import Appended, Stream

log = structlog.get_logger(__name__)

_BATCH: Final = 200
_LOCK: Final = "relay"
_LOCKED_FOR: Final = timedelta(seconds=20)
#: Seconds between two looks at the outbox where nothing woke the relay.
_LOOK_EVERY: Final = 1.0
#: Seconds before a round is tried again that found the lock taken.
_BUSY: Final = 0.1
#: Milliseconds with more than 15 digits: in the year 33658.
_LARGEST_ORDINARY: Final = 10**15
#: Sorts behind every digit.
_FAR: Final = "~"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"


class Relay:
    """The relay of one process; `wake` has it run at once, in its own thread."""

    def __init__(self, database: Database, stream: Stream, *, keep: timedelta, holder: str) -> None:
        self._database = database
        self._stream = stream
        self._keep = keep
        self._holder = holder
        self._mine = threading.Lock()
        self._verify_asked = threading.Event()
        self._trim_asked = threading.Event()
        self._thread = Repeating("relay", _LOOK_EVERY, self.run)

    def start(self) -> None:
        """Begin to relay in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the batch that is under way. Another process publishes the rest."""
        self._thread.stop()

    def wake(self) -> None:
        """Say that events wait in the outbox. Returns at once."""
        self._thread.nudge()

    def verify_soon(self) -> None:
        """Start a round at once that checks whether the server lost anything."""
        self._verify_asked.set()
        self.wake()

    def trim_soon(self) -> None:
        """Start a round at once that drops from the stream what is past its retention."""
        self._trim_asked.set()
        self.wake()

    def run(self) -> int:
        """Publish what is unpublished; return how many events were."""
        if self._trim_asked.is_set():
            trimmed = self.trim()
            self._trim_asked.clear()
            log.info("stream_trimmed", events=trimmed)
        if self._verify_asked.is_set():
            count = self.verify()
            self._verify_asked.clear()
            return count
        with self._database.read() as connection:
            refilling = outbox.refill(connection, self._stream.name) is not None
            if not refilling and not outbox.has_unpublished(connection):
                return 0
        return self._locked(self._publish_all)

    def verify(self) -> int:
        """Find out whether the server lost anything, and fill it in again; return how much."""
        return self._locked(self._publish_all)

    def replay(self, since: datetime) -> int:
        """Publish again what was made since a time, with the same event ids; return how many."""
        count, after = 0, 0
        while True:
            with self._database.read() as connection:
                known = outbox.position(connection, self._stream.name)
                lines = outbox.made_since(connection, since, after, _BATCH)
            if not lines:
                return count
            appended = self._append(lines, known, deduplicate=False)
            if appended.verdict != "ok":
                log.info("replay_again", events=len(lines))
                continue
            self._record(appended, known, {})
            count, after = count + len(lines), lines[-1].seq

    def trim(self) -> int:
        """Drop from the stream what is older than the retention."""
        return self._stream.trim(self._database.now() - self._keep)

    def _locked(self, action: Callable[[], int]) -> int:
        # The database tells processes apart, and this lock the threads of one process.
        with self._mine:
            if not self._hold():
                self._thread.nudge_in(_BUSY)
                return 0
            try:
                return action()
            finally:
                with self._database.begin() as connection:
                    leases.drop_lock(connection, _LOCK, self._holder)

    def _hold(self) -> bool:
        with self._database.begin() as connection:
            now = self._database.now()
            return leases.hold_lock(connection, _LOCK, self._holder, now, _LOCKED_FOR)

    def _publish_all(self) -> int:
        """Publish what is new, and behind it, a batch at a time, what the server lost."""
        count = 0
        while True:
            new = self._publish_new()
            again = self._publish_lost() if new is not None and new < _BATCH else None
            count += (new or 0) + (again or 0)
            over = again == 0 and new is not None
            if over or self._thread.stopping or not self._hold():
                return count

    def _publish_new(self) -> int | None:
        """Publish a batch of what is new; None where the server turned out to have lost events."""
        with self._database.read() as connection:
            known = outbox.position(connection, self._stream.name)
            lines = outbox.unpublished(connection, _BATCH)
            refill = outbox.refill(connection, self._stream.name)
            earlier = []
            if refill is not None and lines:
                # An operation's events stay in order: its lost ones come first.
                earlier = outbox.lost_before(connection, refill, self._since(), lines)
        for first in range(0, len(earlier), _BATCH):
            if not self._publish(earlier[first : first + _BATCH], known, again=True):
                return None
        return len(lines) if self._publish(lines, known) else None

    def _publish_lost(self) -> int | None:
        """Publish again a batch of what the server lost; None where that was not possible."""
        name = self._stream.name
        with self._database.read() as connection:
            known = outbox.position(connection, name)
            refill = outbox.refill(connection, name)
            if refill is None:
                return 0
            lines = outbox.lost(connection, refill, self._since(), _BATCH)
        done = lines[-1].seq if lines else None
        if not self._publish(lines, known, again=True, refill=(refill, done)):
            return None
        if done is None:
            log.info("stream_refilled")
        return len(lines)

    def _publish(
        self,
        lines: list[Line],
        known: Position,
        *,
        again: bool = False,
        refill: tuple[Refill, int | None] | None = None,
    ) -> bool:
        """Append a batch and write down that it was; False where neither counts."""
        appended = self._append(lines, known)
        if appended.verdict != "ok":
            return False
        ids = {
            line.seq: padded(stream_id) for line, stream_id in zip(lines, appended.ids, strict=True)
        }
        return self._record(appended, known, ids, again=again, refill=refill)

    def _record(
        self,
        appended: Appended,
        known: Position,
        ids: Mapping[int, str],
        *,
        again: bool = False,
        refill: tuple[Refill, int | None] | None = None,
    ) -> bool:
        """Write down what was appended, in one transaction; False where it may be lost by now.

        Another relay was here since, and may have found that the server lost events, these among
        them. Appended once more, those that are there are not doubled.
        """
        name = self._stream.name
        with self._database.begin() as connection:
            newest = max(map(padded, [appended.last_id, *appended.ids]))
            position = outbox.lock_position(connection, name)
            if position != known:
                there = padded(appended.last_id)
                if position.mark == appended.mark and there < position.last_id < newest:
                    # The server no longer had what the other relay had appended, and now goes on
                    # beyond it: no later look would notice.
                    outbox.begin_refill(connection, name, there, appended.mark)
                return False
            outbox.advance(connection, name, newest, appended.mark)
            outbox.mark_published(connection, ids, again=again)
            if refill is not None:
                outbox.refilled(connection, name, *refill)
        return True

    def _append(self, lines: list[Line], known: Position, *, deduplicate: bool = True) -> Appended:
        """Append a batch; where the server lost events, note what is to be published again."""
        appended = self._stream.append(
            lines,
            mark=known.mark or "",
            last_id=plain(known.last_id),
            new_mark=new_id(),
            deduplicate=deduplicate,
        )
        if appended.verdict != "ok":
            # Wiped: nothing there can be relied upon. Behind: all up to its last id is there.
            there = NOTHING if appended.verdict == "wiped" else padded(appended.last_id)
            with self._database.begin() as connection:
                position = outbox.lock_position(connection, self._stream.name)
                if position == known:
                    outbox.begin_refill(connection, self._stream.name, there, appended.mark)
                    log.error("stream_lost_events", verdict=appended.verdict)
        return appended

    def _since(self) -> datetime:
        """Return how old an event may be that a consumer can still find on the stream."""
        return self._database.now() - self._keep


def padded(stream_id: str) -> str:
    """Write a stream id so that text sorts like time, in at most 36 characters."""
    milliseconds, _, number = stream_id.partition("-")
    return f"{_padded_time(int(milliseconds))}-{int(number):020d}"


def plain(stream_id: str) -> str:
    """Write a padded stream id as the server does."""
    time, _, number = stream_id.partition("-")
    milliseconds = int(time[1:], 32) if time.startswith(_FAR) else int(time)
    return f"{milliseconds}-{int(number)}"


def _padded_time(milliseconds: int) -> str:
    if milliseconds < _LARGEST_ORDINARY:
        return f"{milliseconds:015d}"
    # Another writer's entry may have any time of 64 bits, and the server goes on from it. Such a
    # time is written in base 32, to fit the column, and sorts behind all ordinary ones.
    digits = [_DIGITS[milliseconds >> (5 * place) & 31] for place in reversed(range(13))]
    return _FAR + "".join(digits)
