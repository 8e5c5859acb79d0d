"""Wakeups: telling the pollers that a provider has work, now or at a slot."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from config.queues import Wake
from uprid_client.errors import BrokerUnavailable
from uprid_client.names import Provider
from worker.engine.slots import countdown_to, slots_of

log = structlog.get_logger(__name__)

#: Slots remembered by a process before the past ones are forgotten.
_REMEMBERED: Final = 4096
#: With so many messages that no poller has taken yet, the sweep adds none: each of them claims all
#: that is due, and where no poller runs they would only pile up.
_ENOUGH: Final = 2
#: The width of a slot in which tokens are waited for.
_FINE: Final = timedelta(milliseconds=100)


class Publisher(Protocol):
    """Puts chunk messages into the broker; raises `BrokerUnavailable`."""

    def publish(self, provider: Provider, wake: Wake, slot: datetime, countdown: float) -> None:
        """Publish one chunk message to be delivered after `countdown` seconds."""

    def unread(self, provider: Provider) -> int:
        """Return how many of a provider's messages no poller has taken yet."""

    def marked(self, names: list[str]) -> set[str]:
        """Return which of the slot markers are set."""

    def mark(self, names: list[str], seconds: float) -> None:
        """Set slot markers for a while."""


class Clock(Protocol):
    """The clock that counts."""

    def now(self) -> datetime:
        """Return the time."""


class Wakeups:
    """Publishes each slot once, as far as the markers show.

    The markers only save messages. They lie in the broker, beside the messages that they stand
    for, so that a wiped broker loses both. (What a process remembers by itself outlives
    the broker: those slots wait for the sweep.) Publish, then mark: a crash in between doubles a
    message, which finds nothing to claim; the other way round would lose one. The sweep goes
    by neither, but by what is due.
    """

    def __init__(
        self, publisher: Publisher, clock: Clock, *, width: timedelta, longest: timedelta
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._width = width
        self._longest = longest
        self._lock = threading.Lock()
        self._known: dict[str, datetime] = {}

    def at(self, provider: Provider, wake: Wake, dues: Iterable[datetime]) -> None:
        """Wake a provider at the slots of these due times. Call it after their commit."""
        self._once(provider, wake, dues, self._width)

    def soon(self, provider: Provider, at: datetime) -> None:
        """Wake a provider when it may be called again: soon, and once, however many ask for it.

        One message per request would keep every doubled message in circulation.
        """
        self._once(provider, Wake.POLL, [at], min(_FINE, self._width))

    def _once(
        self, provider: Provider, wake: Wake, dues: Iterable[datetime], width: timedelta
    ) -> None:
        now = self._clock.now()
        slots = {_marker(provider, wake, slot): slot for slot in sorted(slots_of(dues, now, width))}
        with self._lock:
            new = {name: slot for name, slot in slots.items() if name not in self._known}
        if not new:
            return
        try:
            there = self._publisher.marked(list(new))
            for name, slot in new.items():
                if name not in there:
                    self._publish(provider, wake, slot, now)
            self._publisher.mark(
                [name for name in new if name not in there],
                (max(new.values()) - now + 2 * self._longest).total_seconds(),
            )
        except BrokerUnavailable:
            # Nothing is lost: the due times stand in the database, and the sweep looks there.
            log.warning("wake_not_published", provider=provider, slots=len(new))
            return
        self._remember(new, now)

    def now(self, provider: Provider, wake: Wake = Wake.POLL) -> None:
        """Wake a provider at once, marker or no marker."""
        self.again(provider, wake, self._clock.now())

    def overdue(self, provider: Provider) -> bool:
        """Wake a provider with forgotten work; return whether a message was needed.

        Goes by the messages that lie in its queue now, not by markers.
        """
        try:
            if self._publisher.unread(provider) >= _ENOUGH:
                return False
        except BrokerUnavailable:
            log.warning("wake_not_published", provider=provider, slots=1)
            return False
        self.now(provider)
        return True

    def again(self, provider: Provider, wake: Wake, at: datetime) -> None:
        """Wake a provider at a moment, marker or no marker."""
        try:
            self._publish(provider, wake, at, self._clock.now())
        except BrokerUnavailable:
            log.warning("wake_not_published", provider=provider, slots=1)

    def _publish(self, provider: Provider, wake: Wake, slot: datetime, now: datetime) -> None:
        countdown = countdown_to(slot, now, self._longest)
        self._publisher.publish(provider, wake, slot, countdown)

    def _remember(self, slots: dict[str, datetime], now: datetime) -> None:
        with self._lock:
            self._known.update(slots)
            if len(self._known) > _REMEMBERED:
                self._known = {name: slot for name, slot in self._known.items() if slot > now}


def _marker(provider: Provider, wake: Wake, slot: datetime) -> str:
    return f"{provider}:{wake}:{slot.timestamp():.3f}"
