"""The events of a run, as they were read from the stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from uprid_client.contract.events import EventType


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """An event as it was read from the stream."""

    id: str
    type: str
    subject: str
    data: Mapping[str, Any] = field(repr=False)

    @property
    def verb(self) -> str:
        """The last part of its type: `succeeded`."""
        return self.type.rpartition(".")[2]


class Record:
    """All events of a run, without doubles, by what they tell of."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._of: dict[str, list[ReceivedEvent]] = {}
        self.refusals: list[ReceivedEvent] = []

    def add(self, event: ReceivedEvent) -> bool:
        """Take an event in; False where it is here already: delivery is at least once."""
        if event.id in self._seen:
            return False
        self._seen.add(event.id)
        if event.type == EventType.MESSAGE_REFUSED:
            self.refusals.append(event)
        else:
            self._of.setdefault(event.subject, []).append(event)
        return True

    def of(self, reference: str) -> Sequence[ReceivedEvent]:
        """Return the events of an operation, in the order in which they stand on the stream."""
        return self._of.get(reference, ())

    def count(self, reference: str, kind: EventType) -> int:
        """Return how many events of a type an operation has."""
        return sum(event.type == kind for event in self.of(reference))

    @property
    def subjects(self) -> set[str]:
        """What events tell of."""
        return set(self._of)
