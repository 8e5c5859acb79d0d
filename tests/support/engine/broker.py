"""A broker for the engine that lives in memory: countdowns come due by the clock it is given."""

import heapq
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from config.queues import Wake
from uprid_client.errors import BrokerUnavailable
from uprid_client.names import Provider
from worker.engine.wakeups import Clock


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """A chunk message on its way."""

    deliver_at: datetime
    number: int
    provider: Provider = field(compare=False)
    wake: Wake = field(compare=False)
    slot: datetime = field(compare=False)


class MemoryBroker:
    """A `Publisher`: keeps messages and markers, and forgets both when it is flushed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = count(1)
        self._waiting: list[Message] = []
        self._markers: dict[str, datetime] = {}
        #: Whether every call fails, as when the server is gone.
        self.away = False
        #: Messages ever published.
        self.published = 0

    def publish(self, provider: Provider, wake: Wake, slot: datetime, countdown: float) -> None:
        """Keep a message until its countdown is over."""
        self._reach()
        self.published += 1
        deliver_at = self._clock.now() + timedelta(seconds=countdown)
        heapq.heappush(
            self._waiting, Message(deliver_at, next(self._numbers), provider, wake, slot)
        )

    def unread(self, provider: Provider) -> int:
        """Return how many messages have come due and were not taken."""
        self._reach()
        now = self._clock.now()
        return sum(
            message.provider == provider and message.deliver_at <= now for message in self._waiting
        )

    def marked(self, names: list[str]) -> set[str]:
        """Return the markers that are set and have not run out."""
        self._reach()
        now = self._clock.now()
        return {name for name in names if self._markers.get(name, now) > now}

    def mark(self, names: list[str], seconds: float) -> None:
        """Set markers."""
        self._reach()
        until = self._clock.now() + timedelta(seconds=seconds)
        self._markers.update(dict.fromkeys(names, until))

    @property
    def waiting(self) -> list[Message]:
        """What has not been delivered, the soonest first."""
        return sorted(self._waiting)

    def take(self) -> Message | None:
        """Take the message that comes next, however far away that is; None: there is none."""
        return heapq.heappop(self._waiting) if self._waiting else None

    def flush(self) -> None:
        """Forget everything, as `FLUSHALL` does."""
        self._waiting.clear()
        self._markers.clear()

    def _reach(self) -> None:
        if self.away:
            raise BrokerUnavailable
