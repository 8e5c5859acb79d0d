"""The channel between Celery and the broker: a malformed entry does not end the process."""

from datetime import timedelta
from queue import Empty
from time import monotonic
from typing import Any, Final

import structlog
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import Channel, SentinelChannel, SentinelTransport, Transport
from kombu.utils.encoding import bytes_to_str
from redis.exceptions import RedisError, ResponseError

from config.queues import SENDERS_QUEUES, TASK_QUEUES
from worker.process.queueing import kept
from worker.process.queueing.bodies import Misread
from worker.process.queueing.broadcasts import read_broadcast
from worker.process.queueing.holding import SturdyQoS, is_wrong_type
from worker.process.queueing.reading import Entry, priority_of, read, standing_in
from worker.process.queueing.unreadable import Unreadable
from worker.process.queueing.wrong_types import WrongTypes

log = structlog.get_logger(__name__)

#: Of the visibility timeout, how much a message may wait for its time: what is held for longer is
#: handed out again meanwhile. Two thirds are promised, and are the limit of the engine's own
#: countdowns (config/settings.py); a little more is for clocks that are apart.
_LONGEST_WAIT: Final = 3 / 4
#: What a table of bindings has in each of its members: key, pattern, queue.
_BINDING: Final = 3


class Sturdy:
    """Put before a Redis channel of kombu's: reads what was popped and published by itself.

    An entry that cannot be taken is described in the log and in a list
    (`worker.process.queueing.kept`).
    Where its sender gets an answer, the consumer gets a stand-in for the entry.
    """

    QoS = SturdyQoS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._wrong_types = WrongTypes()
        super().__init__(*args, **kwargs)

    def keep(self: Any, unreadable: Unreadable) -> None:
        """Log an entry that cannot be taken, and store what may be stored of it."""
        log.warning(
            "entry_unreadable",
            queue=unreadable.queue,
            cause=unreadable.cause.value,
            size=unreadable.size,
            sha256=unreadable.sha256,
            task_id=unreadable.message_id,
            task=unreadable.task,
        )
        try:
            with self.conn_or_acquire() as server:
                kept.keep(server, unreadable)
        except RedisError as error:
            log.warning("entry_not_kept", error=type(error).__name__)

    def _brpop_start(self: Any, timeout: float | None = None) -> None:
        """Ask for the next entry; kombu's, but for keys that are no queues at the moment."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        keys = self._wrong_types.without(
            [self._q_for_pri(queue, step) for step in self.priority_steps for queue in queues]
        )
        if not keys:
            return
        wait = self.brpop_timeout if timeout is None else timeout
        self._in_poll = self.client.connection
        self._brpop_sent_at = monotonic()
        # Our keys have no prefix (config/celery.py).
        self.client.connection.send_command("BRPOP", *keys, wait or 0)

    def _brpop_read(self: Any, **options: Any) -> bool:
        """Read an entry and deliver it."""
        try:
            popped = self._popped(options)
            if popped is None:
                raise Empty
            queue = bytes_to_str(popped[0]).rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)
            entry = self._entry(queue, popped[1])
            if entry is not None:
                self.connection._deliver(entry, queue)  # noqa: SLF001 - kombu's own way
            return True
        finally:
            self._in_poll = None
            self._flush_brpop_reauth()

    def _popped(self: Any, options: dict[str, Any]) -> tuple[bytes, bytes] | None:
        try:
            popped: tuple[bytes, bytes] | None = self.client.parse_response(
                self.client.connection, "BRPOP", **options
            )
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            self._look_at_types()
            return None
        except self.connection_errors:
            # The next round then makes a new connection.
            self.client.connection.disconnect()
            raise
        return popped

    def _size(self: Any, queue: str) -> int:
        """Return how many messages lie in a queue; none where its key is no queue."""
        try:
            size: int = super()._size(queue)  # type: ignore[misc]
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            # Asked as a consumer begins: it finds out by itself what it can read of.
            return 0
        return size

    def _look_at_types(self: Any) -> None:
        keys = [
            self._q_for_pri(queue, step)
            for step in self.priority_steps
            for queue in self.active_queues
        ]
        with self.conn_or_acquire() as server:
            pipeline = server.pipeline(transaction=False)
            for key in keys:
                pipeline.type(key)
            types = [bytes_to_str(kind) for kind in pipeline.execute()]
        self._wrong_types.note(dict(zip(keys, types, strict=True)))

    def _entry(self: Any, queue: str, raw: bytes) -> Entry | None:
        """Return what is delivered of an entry; None: nothing."""
        if queue not in TASK_QUEUES:
            return _reply(queue, raw)
        longest = timedelta(seconds=self.visibility_timeout * _LONGEST_WAIT)
        found = read(raw, queue, longest)
        if not isinstance(found, Unreadable):
            return found
        self.keep(found)
        return standing_in(found, queue) if queue in SENDERS_QUEUES else None

    def _receive_one(self: Any, c: Any) -> bool | None:  # noqa: ANN401 - redis-py's
        """Read a broadcast and deliver it; kombu's, but for what is none."""
        try:
            response = c.parse_response()
        except self.connection_errors:
            self._in_listen = None
            raise
        if not isinstance(response, list | tuple):
            return None
        published = self._handle_message(c, response)
        if not bytes_to_str(published["type"]).endswith("message") or not published["data"]:
            return None
        delivered: bool = self._broadcast(published["channel"], published["data"])
        return delivered

    def _broadcast(self: Any, channel: bytes, raw: bytes) -> bool:
        try:
            topic = channel.decode()
            exchange = topic.partition(".")[2] if topic.startswith("/") else topic
            exchange = exchange.split("/", 1)[0]
            message = read_broadcast(raw, exchange)
        except (UnicodeDecodeError, Misread) as misread:
            cause = misread.cause.value if isinstance(misread, Misread) else "channel"
            log.warning("broadcast_unreadable", cause=cause, size=len(raw))
            return False
        if exchange not in self._fanout_to_queue:
            return False
        delivered: bool = self._deliver_fanout_message(message, exchange)
        return delivered

    def queues_of(self: Any, entry: Entry, exchange: str, routing_key: str) -> list[str]:
        """Return the keys into which a message goes back that lay at a place."""
        priority = priority_of(entry.get("properties"))
        return [self._q_for_pri(queue, priority) for queue in self._lookup(exchange, routing_key)]

    def get_table(self: Any, exchange: str) -> list[tuple[str, ...]]:
        """Return an exchange's bindings; kombu's, but for members that are none."""
        with self.conn_or_acquire() as server:
            members = server.smembers(self.keyprefix_queue % exchange)
        rows = (tuple(each.decode(errors="replace").split(self.sep)) for each in members)
        return [row for row in rows if len(row) == _BINDING]

    def _queue_bind(self: Any, exchange: str, *meta: str) -> None:
        try:
            super()._queue_bind(exchange, *meta)  # type: ignore[misc]
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            # Only who sends by way of an exchange needs it: task messages go straight to a queue.
            log.error("binding_refused", key=self.keyprefix_queue % exchange)  # noqa: TRY400


def _reply(queue: str, raw: bytes) -> Entry | None:
    """Return a worker's reply to one who inspects it; None: it is none."""
    try:
        return read_broadcast(raw, queue)
    except Misread as misread:
        log.warning("reply_unreadable", cause=misread.cause.value, size=len(raw))
        return None


class SturdyChannel(Sturdy, Channel):  # type: ignore[misc]
    """A channel to one server."""


class SturdySentinelChannel(Sturdy, SentinelChannel):  # type: ignore[misc]
    """A channel to the server that Sentinel names."""


class SturdyTransport(Transport):
    """Celery's way to one server."""

    Channel = SturdyChannel


class SturdySentinelTransport(SentinelTransport):
    """Celery's way to the server that Sentinel names."""

    Channel = SturdySentinelChannel


def install() -> None:
    """Have every connection of this process made by these.

    By the scheme, not by Celery's `broker_transport`: kombu forgets that when it goes to the next
    of several servers.
    """
    one = f"{SturdyTransport.__module__}:{SturdyTransport.__qualname__}"
    behind = f"{SturdySentinelTransport.__module__}:{SturdySentinelTransport.__qualname__}"
    TRANSPORT_ALIASES.update(redis=one, rediss=one, sentinel=behind)
