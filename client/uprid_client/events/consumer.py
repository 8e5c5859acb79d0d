"""Reading the result stream as a member of a consumer group: the marketplace's side."""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

import redis

from uprid_client.contract.refusal_reasons import as_read
from uprid_client.errors import Unsealable
from uprid_client.events.entry import ForeignEntry, read
from uprid_client.events.replies import entries, trouble
from uprid_client.redis_server.connection import connect
from uprid_client.redis_server.options import SOCKET_TIMEOUT
from uprid_client.sealing import Sealer

#: The standard library's: it writes into the marketplace's own log.
log = logging.getLogger(__name__)

#: Seconds; a blocking read ends well before the connection gives the server up.
_LONGEST_BLOCK: Final = SOCKET_TIMEOUT / 2
_START: Final = "0"
_NEW: Final = ">"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the stream. Delivery is at least once: `id` is what to remember."""

    #: The same however often the event is delivered or replayed.
    id: str
    #: Such as `uprid.operation.succeeded`.
    type: str
    #: The reference.
    subject: str
    #: UTC.
    time: datetime
    data: Mapping[str, Any] = field(repr=False)
    #: Where it stands on the stream.
    stream_id: str
    _sealer: Sealer = field(repr=False, compare=False)

    def open(self) -> bytes | None:
        """Return the provider's whole answer; None where the event carries none.

        Raises `Unsealable` where none of the client's keys opens it.
        """
        ciphertext = self.data.get("sealed")
        if ciphertext is None:
            return None
        if not isinstance(ciphertext, str):
            raise Unsealable
        return self._sealer.open_bytes(ciphertext)


def in_todays_shape(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an event's data as today's release writes them; an earlier one may have."""
    reason = data.get("reason")
    return {**data, "reason": as_read(reason)} if isinstance(reason, str) else data


class Consumer:
    """One member of a consumer group."""

    def __init__(self, url: str, stream: str, group: str, name: str, sealer: Sealer) -> None:
        self._server = connect(url)
        self._stream = stream
        self._group = group
        self._name = name
        self._sealer = sealer

    def read(
        self, *, block: float, count: int, claim_after: float, quiet: float | None
    ) -> Iterator[Event]:
        """Yield events, each acknowledged when the next one is asked for. All times in seconds.

        First what this consumer was given before and never acknowledged, then what is new, and
        now and then what a silent consumer has held for `claim_after`. Ends after `quiet` without
        an event, or never. An entry that is no event is acknowledged and skipped, with a warning in
        the log. Raises `BrokerUnavailable`: read again, and nothing is missed; and
        `StreamUnusable` where the stream's key holds something else.
        """
        try:
            yield from self._read(min(block, _LONGEST_BLOCK), count, claim_after, quiet)
        except redis.RedisError as error:
            raise trouble(error, self._stream) from None
        finally:
            self._server.close()

    def _read(
        self, block: float, count: int, claim_after: float, quiet: float | None
    ) -> Iterator[Event]:
        last = time.monotonic()
        while True:
            self._make_group()
            try:
                for event in self._rounds(block, count, claim_after):
                    if event is not None:
                        yield from self._delivered(event)
                        last = time.monotonic()
                    elif quiet is not None and time.monotonic() - last >= quiet:
                        return
            except redis.ResponseError as error:
                # The server was emptied: the relay fills the stream again, we make the group again.
                if not str(error).startswith("NOGROUP"):
                    raise

    def _rounds(self, block: float, count: int, claim_after: float) -> Iterator[Event | None]:
        """Yield what comes, and None after every look that brought nothing."""
        yield from self._own(count)
        claimed_at = float("-inf")
        while True:
            if time.monotonic() - claimed_at >= claim_after / 2:
                yield from self._claimed(count, claim_after)
                claimed_at = time.monotonic()
            found = self._group_read(_NEW, count, block)
            yield from self._events(found)
            if not found:
                yield None

    def _own(self, count: int) -> Iterator[Event]:
        after = _START
        while found := self._group_read(after, count, None):
            yield from self._events(found)
            after = found[-1][0]

    def _claimed(self, count: int, claim_after: float) -> Iterator[Event]:
        start = "0-0"
        while True:
            answer = cast(
                "Any",
                self._server.xautoclaim(
                    self._stream,
                    self._group,
                    self._name,
                    min_idle_time=int(claim_after * 1000),
                    start_id=start,
                    count=count,
                ),
            )
            start = answer[0]
            # Redis 6.2 names no id of what was trimmed.
            found = [(entry_id, fields or {}) for entry_id, fields in answer[1] if entry_id]
            yield from self._events(found)
            if start == "0-0":
                return

    def _delivered(self, event: Event) -> Iterator[Event]:
        yield event
        # Only reached when the loop body is through: a consumer that breaks off is given it again.
        self._acknowledge(event.stream_id)

    def _events(self, found: list[tuple[str, dict[str, str]]]) -> Iterator[Event]:
        for stream_id, fields in found:
            if not fields:  # older than the retention: trimmed before it was acknowledged
                self._acknowledge(stream_id)
                continue
            try:
                entry = read(fields)
            except ForeignEntry as error:
                log.warning("skipped %s on the stream %s: %s", stream_id, self._stream, error)
                self._acknowledge(stream_id)
                continue
            yield Event(
                id=entry.id,
                type=entry.type,
                subject=entry.subject,
                time=entry.time,
                data=in_todays_shape(entry.data),
                stream_id=stream_id,
                _sealer=self._sealer,
            )

    def _group_read(
        self, after: str, count: int, block: float | None
    ) -> list[tuple[str, dict[str, str]]]:
        milliseconds = None if block is None else max(int(block * 1000), 1)
        return entries(
            self._server.xreadgroup(
                self._group, self._name, {self._stream: after}, count=count, block=milliseconds
            )
        )

    def _acknowledge(self, stream_id: str) -> None:
        self._server.xack(self._stream, self._group, stream_id)

    def _make_group(self) -> None:
        try:
            self._server.xgroup_create(self._stream, self._group, id=_START, mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
