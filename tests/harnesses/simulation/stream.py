"""The result stream in memory: the promises of worker.stream.stream.Stream, and its losses.

tests/harnesses/simulation/test_stream_double.py compares it with the real stream on a real server.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from uprid_client.errors import BrokerUnavailable
from uprid_client.events.entry import SOURCE
from worker.domain.events import CONTENT_TYPE, SPECVERSION, rfc3339
from worker.store.outbox import Line
from worker.stream.stream import Appended

Id = tuple[int, int]
_NONE: Id = (0, 0)


class MemoryStream:
    """One stream on one server."""

    def __init__(self, clock: Callable[[], datetime], name: str = "uprid:events") -> None:
        self.name = name
        self._clock = clock
        self.away = False
        self.entries: list[tuple[Id, dict[str, str]]] = []
        self._last = _NONE
        self._mark: str | None = None
        self._seen: dict[str, Id] = {}
        #: How often the server lost data.
        self.losses = 0

    def append(
        self,
        lines: Sequence[Line],
        *,
        mark: str,
        last_id: str,
        new_mark: str,
        deduplicate: bool = True,
    ) -> Appended:
        """Append events in order, unless the server has lost some."""
        self._reach()
        last = self._last
        if mark and mark != self._mark:
            return Appended("wiped", self._mark or "", _text(last), ())
        if _id(last_id) > last:
            return Appended("behind", self._mark or "", _text(last), ())
        self._mark = self._mark or new_mark
        ids = []
        for line in lines:
            found = self._seen.get(line.id) if deduplicate else None
            if found is None or all(id_ != found for id_, _ in reversed(self.entries)):
                found = self._add(line)
            ids.append(_text(found))
        return Appended("ok", self._mark, _text(last), tuple(ids))

    def trim(self, before: datetime) -> int:
        """Remove older entries."""
        self._reach()
        oldest = (int(before.timestamp() * 1000), 0)
        kept = [entry for entry in self.entries if entry[0] >= oldest]
        dropped = len(self.entries) - len(kept)
        self.entries = kept
        return dropped

    def read(
        self, after: str, *, count: int, block: float | None
    ) -> list[tuple[str, dict[str, str]]]:
        """Return up to `count` entries after an id."""
        del block
        self._reach()
        found = [(_text(id_), fields) for id_, fields in self.entries if id_ > _id(after)]
        return found[:count]

    def close(self) -> None:
        """Do nothing."""

    def wipe(self) -> None:
        """Lose everything, as after `FLUSHALL`."""
        self.losses += 1
        self.entries, self._last, self._mark, self._seen = [], _NONE, None, {}

    def drop(self) -> None:
        """Lose the stream, but nothing else of the server."""
        self.losses += 1
        self.entries, self._last = [], _NONE

    def lose_tail(self, count: int) -> None:
        """Lose the newest entries and all that was stored about them, as in a fail-over."""
        self.losses += 1
        lost = {fields["id"] for _, fields in self.entries[len(self.entries) - count :]}
        del self.entries[len(self.entries) - count :]
        self._last = self.entries[-1][0] if self.entries else _NONE
        self._seen = {key: value for key, value in self._seen.items() if key not in lost}

    @property
    def last_id(self) -> str:
        """The id of the newest entry."""
        return _text(self._last)

    def _add(self, line: Line) -> Id:
        milliseconds = int(self._clock().timestamp() * 1000)
        last = self._last
        self._last = (milliseconds, 0) if milliseconds > last[0] else (last[0], last[1] + 1)
        fields = {
            "specversion": SPECVERSION,
            "id": line.id,
            "source": SOURCE,
            "type": line.type,
            "subject": line.subject,
            "time": rfc3339(line.time) or "",
            "datacontenttype": CONTENT_TYPE,
            "data": line.data,
        }
        self.entries.append((self._last, fields))
        self._seen[line.id] = self._last
        return self._last

    def _reach(self) -> None:
        if self.away:
            raise BrokerUnavailable


def _id(text: str) -> Id:
    milliseconds, _, number = text.partition("-")
    return int(milliseconds), int(number or 0)


def _text(id_: Id) -> str:
    return f"{id_[0]}-{id_[1]}"
