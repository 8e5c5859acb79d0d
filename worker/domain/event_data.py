"""What an event says of an operation: one shape for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from worker.domain.events import END_EVENTS, Event, EventType, rfc3339
from worker.domain.outcomes import Reason, Wanted
from worker.domain.states import State

#: A sealed answer beyond this is left out of the event and read through the client. Bytes.
LARGEST_ANSWER: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Standing:
    """How an operation stands at the moment that an event tells of."""

    operation_id: str
    reference: str
    provider: str
    kind: str
    attempt: int
    state: State
    provider_ref: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    polls: int = 0
    reason: Reason | None = None
    result: Mapping[str, Any] | None = None
    #: The provider's whole answer, sealed.
    answer: str | None = field(default=None, repr=False)
    #: What the provider waits for: told by `input_required`.
    wants: Wanted | None = None


def tell(
    kind: EventType, standing: Standing, sequence: int, time: datetime, event_id: str
) -> Event:
    """Return the event; `sequence` counts the operation's events from 1."""
    data: dict[str, Any] = {
        "operation_id": standing.operation_id,
        "reference": standing.reference,
        "provider": standing.provider,
        "kind": standing.kind,
        "attempt": standing.attempt,
        "sequence": sequence,
        "state": standing.state.value,
        "provider_ref": standing.provider_ref,
        "started_at": rfc3339(standing.started_at),
        "finished_at": rfc3339(standing.finished_at),
        "polls": standing.polls,
        "reason": None if standing.reason is None else standing.reason.as_json(),
        "result": dict(standing.result or {}),
    }
    if standing.wants is not None and kind is EventType.INPUT_REQUIRED:
        data["missing"] = standing.wants.missing
        data["attempts_left"] = standing.wants.attempts_left
    if standing.answer is not None and len(standing.answer) <= LARGEST_ANSWER:
        data["sealed"] = standing.answer
    return Event(
        type=kind,
        subject=standing.reference,
        time=time,
        data=data,
        operation_id=standing.operation_id,
        attempt=standing.attempt,
        terminal=kind in END_EVENTS.values(),
        id=event_id,
    )
