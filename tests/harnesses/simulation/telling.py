"""The stream as a consumer sees it: doubles are dropped by their ids."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.harnesses.simulation.kernel import Kernel
from tests.harnesses.simulation.stream import MemoryStream
from tests.harnesses.simulation.violation import require
from worker.domain.events import END_EVENTS

_ENDS: Final = {event.value for event in END_EVENTS.values()}


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event, read for the first time."""

    type: str
    subject: str
    data: Mapping[str, Any]


class Consumer:
    """Reads the stream from its beginning, and again from its beginning after a loss."""

    def __init__(
        self, kernel: Kernel, stream: MemoryStream, hear: Callable[[PublishedEvent], None]
    ) -> None:
        self._kernel = kernel
        self._stream = stream
        self._hear = hear
        self._after = "0-0"
        self._losses = 0
        #: Ids that were read.
        self.seen: set[str] = set()
        #: Ids on the stream since its last loss.
        self._present: set[str] = set()
        self._sequences: dict[str, int] = defaultdict(int)
        self._ends: dict[tuple[str, int], str] = {}
        self._doubted: set[str] = set()

    def read(self) -> None:
        """Read what is new."""
        if self._losses != self._stream.losses:
            # A fail-over takes back the group's position. A flush deletes the group itself.
            self._losses = self._stream.losses
            self._after = "0-0"
            self._present.clear()
        for stream_id, fields in self._stream.read(self._after, count=1000, block=None):
            self._after = stream_id
            id_, kind = fields["id"], fields["type"]
            require(
                id_ not in self._present, "an event is on the stream once", kind, fields["subject"]
            )
            self._present.add(id_)
            if id_ in self.seen:
                continue
            self.seen.add(id_)
            data = json.loads(fields["data"])
            if "sequence" in data:
                self._in_order(kind, data)
            self._hear(PublishedEvent(kind, fields["subject"], data))

    def doubt(self) -> None:
        """Stop checking the order of the operations that are known: the database has lost commits.

        What happens again gets new ids, and is published beside the old events.
        """
        told = (json.loads(fields["data"]) for _, fields in self._stream.entries)
        self._doubted |= {data["operation_id"] for data in told if "operation_id" in data}
        self._doubted |= self._sequences.keys()

    def _in_order(self, kind: str, data: Mapping[str, Any]) -> None:
        id_, sequence = data["operation_id"], data["sequence"]
        if id_ in self._doubted:
            return
        self._sequences[id_] += 1
        require(
            sequence == self._sequences[id_], "the stream is in order and without gaps",
            data["reference"], kind, sequence, "and not", self._sequences[id_],
        )  # fmt: skip
        if kind in _ENDS:
            key = id_, data["attempt"]
            require(
                key not in self._ends, "the end of an attempt is published once",
                data["reference"], kind, "after", self._ends.get(key),
            )  # fmt: skip
            self._ends[key] = kind
