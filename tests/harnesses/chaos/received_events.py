"""What the marketplace has read from the stream all along; delivery is at least once."""

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from cryptography.fernet import Fernet

from tests.support.marketplace import ENDS, LATE, WAITING
from tests.support.system import SEAL_KEY

_SEALED: Final = Fernet(SEAL_KEY)
#: As MONETA's answer names the unit that it is about, in JSON.
_UNIT: Final = re.compile(r'"unitid"\W+value\W+(\d+)')
#: What can be the last word on an attempt, until a person acts.
LAST_WORDS: Final = ENDS | {WAITING}


class Delivered(Protocol):
    """An event as the stream's reader gives it."""

    @property
    def id(self) -> str:
        """The dedup key."""

    @property
    def type(self) -> str:
        """Its type."""

    @property
    def subject(self) -> str:
        """The reference."""

    @property
    def data(self) -> Mapping[str, Any]:
        """What it tells."""


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event, as far as the ledger needs it. Of no operation: sequence and attempt are 0."""

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
        """Whether it tells of an operation, and not of a message or a provider."""
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
    """Every event once, in the order in which it was first read. Safe between threads."""

    #: Deliveries, doubles included.
    deliveries: int = 0
    _events: list[PublishedEvent] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _of: dict[str, list[PublishedEvent]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, event: PublishedEvent) -> bool:
        """Take an event in; False where it was read before."""
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
        """Everything so far."""
        with self._lock:
            return tuple(self._events)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of everything so far."""
        with self._lock:
            return frozenset(self._ids)

    def of(self, reference: str) -> Sequence[PublishedEvent]:
        """Return the events of an operation."""
        with self._lock:
            return tuple(self._of.get(reference, ()))

    def last_of(self, reference: str) -> PublishedEvent | None:
        """Return the last word on an operation that changes what is to be done about it."""
        events = [each for each in self.of(reference) if each.type != LATE]
        return events[-1] if events else None

    def is_over(self, reference: str) -> bool:
        """Tell whether an operation has ended or waits, for now."""
        last = self.last_of(reference)
        return last is not None and last.type in LAST_WORDS
