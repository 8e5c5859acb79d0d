"""The events of the result stream: CloudEvents 1.0 attributes and our data."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from uprid_client.contract.events import EventType
from uprid_client.contract.states import State
from worker.domain.ids import new_id

SPECVERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"


END_EVENTS: Final[dict[State, EventType]] = {
    State.SUCCEEDED: EventType.SUCCEEDED,
    State.REJECTED: EventType.REJECTED,
    State.EXPIRED: EventType.EXPIRED,
    State.FAILED: EventType.FAILED,
    State.CANCELLED: EventType.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event, ready for the outbox. `data` holds nothing personal in clear."""

    type: EventType
    subject: str
    time: datetime
    data: Mapping[str, Any] = field(repr=False)
    operation_id: str | None = None
    attempt: int | None = None
    terminal: bool = False
    id: str = field(default_factory=new_id)

    def row(self) -> dict[str, Any]:
        """Return the event as a row of the outbox."""
        return {
            "id": self.id,
            "operation_id": self.operation_id,
            "attempt": self.attempt,
            "terminal": int(self.terminal),
            "type": self.type.value,
            "subject": self.subject,
            "time": self.time,
            "data": json.dumps(self.data, ensure_ascii=False, separators=(",", ":")),
            "stream_id": None,
        }


def rfc3339(moment: datetime | None) -> str | None:
    """Write a time as events carry it: UTC, milliseconds, `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
