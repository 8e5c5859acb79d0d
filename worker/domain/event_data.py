"""What an event says of an operation: one shape for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from uprid_client.contract.events import EventType
from worker.domain.events import END_EVENTS, Event, rfc3339
from worker.domain.outcomes import Reason, Wanted
from worker.domain.snapshot import Snapshot

#: A sealed answer beyond this is left out of the event and read through the client. Bytes.
LARGEST_ANSWER: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Details:
    """What an event says beside how its operation stands."""

    reason: Reason | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    #: The provider's whole answer, sealed.
    answer: str | None = field(default=None, repr=False)
    #: What the provider waits for: said by `input_required`.
    wants: Wanted | None = None


def operation_event(
    kind: EventType, snapshot: Snapshot, details: Details, time: datetime, event_id: str
) -> Event:
    """Return an event of an operation that stands like this once the event is written."""
    reason, wants, answer = details.reason, details.wants, details.answer
    data: dict[str, Any] = {
        "operation_id": snapshot.id,
        "reference": snapshot.reference,
        "provider": snapshot.provider,
        "kind": snapshot.kind,
        "attempt": snapshot.attempt,
        "sequence": snapshot.sequence,
        "state": snapshot.state.value,
        "provider_ref": snapshot.provider_ref,
        "started_at": rfc3339(snapshot.started_at),
        "finished_at": rfc3339(snapshot.finished_at),
        "polls": snapshot.polls,
        "reason": None if reason is None else reason.as_json(),
        "result": dict(details.result),
    }
    if wants is not None and kind is EventType.INPUT_REQUIRED:
        data["missing"] = wants.missing
        data["attempts_left"] = wants.attempts_left
    if answer is not None and len(answer) <= LARGEST_ANSWER:
        data["sealed"] = answer
    return Event(
        type=kind,
        subject=snapshot.reference,
        time=time,
        data=data,
        operation_id=snapshot.id,
        attempt=snapshot.attempt,
        terminal=kind in END_EVENTS.values(),
        id=event_id,
    )
