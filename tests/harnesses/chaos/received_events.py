"""The events that the marketplace has read from the stream. Each is delivered at least once."""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from cryptography.fernet import Fernet

from tests.support.messages.marketplace import ENDS, LATE, WAITING
from tests.support.processes.system import SEAL_KEY

_SEALED: Final = Fernet(SEAL_KEY)
#: How MONETA's answer in JSON names its unit.
_UNIT: Final = re.compile(r'"unitid"\W+value\W+(\d+)')
#: Events after which an attempt rests until an engineer acts.
LAST_WORDS: Final = ENDS | {WAITING}


class Delivered(Protocol):
    """An event as the reader of the stream returns it."""

    @property
    def id(self) -> str:
        """The id by which consumers drop doubles."""

    @property
    def type(self) -> str:
        """Its type."""

    @property
    def subject(self) -> str:
        """The operation's reference."""

    @property
    def data(self) -> Mapping[str, Any]:
        """Its content."""


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event, as far as the ledger needs it.

    Sequence and attempt are 0 if it is of no operation.
    """

    id: str
    type: str
    reference: str
    attempt: int = 1
    sequence: int = 0
    reason: str | None = None
    #: The provider's id of the attempt.
    provider_ref: str | None = None
    #: The unit that the provider's whole answer names.
    unit: str | None = None

    @property
    def is_operations(self) -> bool:
        """Whether it is about an operation, not about a message or a provider."""
        return self.sequence > 0

    @property
    def is_end(self) -> bool:
        """Whether it is terminal."""
        return self.type in ENDS


def published(event: Delivered) -> PublishedEvent:
    """Return what the ledger needs of an event."""
    data = event.data
    reason = data.get("reason")
    return PublishedEvent(
        event.id,
        event.type,
        event.subject,
        attempt=int(data.get("attempt") or 0),
        sequence=int(data.get("sequence") or 0),
        reason=reason.get("code") if isinstance(reason, dict) else reason,
        provider_ref=data.get("provider_ref"),
        unit=_unit(data.get("sealed")),
    )


def _unit(sealed: str | None) -> str | None:
    if sealed is None:
        return None
    found = _UNIT.search(_SEALED.decrypt(sealed.encode()).decode("utf-8", errors="replace"))
    return found and found[1]


@dataclass(slots=True)
class ReceivedEvents:
    """Every event once, in the order of the first deliveries. Thread-safe."""

    #: Deliveries, with doubles.
    deliveries: int = 0
    _events: list[PublishedEvent] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _of: dict[str, list[PublishedEvent]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, event: PublishedEvent) -> bool:
        """Add an event. Return False if it was read before."""
        with self._lock:
            self.deliveries += 1
            if event.id in self._ids:
                return False
            self._ids.add(event.id)
            self._events.append(event)
            if event.is_operations:
                self._of.setdefault(event.reference, []).append(event)
            return True

    @property
    def events(self) -> Sequence[PublishedEvent]:
        """All events so far."""
        with self._lock:
            return tuple(self._events)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all events so far."""
        with self._lock:
            return frozenset(self._ids)

    def of(self, reference: str) -> Sequence[PublishedEvent]:
        """Return the events of an operation."""
        with self._lock:
            return tuple(self._of.get(reference, ()))

    def last_of(self, reference: str) -> PublishedEvent | None:
        """Return the last event that changes what has to be done about an operation."""
        events = [each for each in self.of(reference) if each.type != LATE]
        return events[-1] if events else None

    def is_over(self, reference: str) -> bool:
        """Return whether an operation has ended, or waits for an engineer, at present."""
        last = self.last_of(reference)
        return last is not None and last.type in LAST_WORDS
