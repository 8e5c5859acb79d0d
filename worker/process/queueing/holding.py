"""The messages that a process has taken from the broker and not yet acknowledged."""

import json
from dataclasses import dataclass
from typing import Any, Final

import structlog
from kombu.transport import virtual
from kombu.transport.redis import QoS
from kombu.utils.encoding import bytes_to_str
from redis.exceptions import ExecAbortError, OutOfMemoryError, ResponseError

from worker.process.queueing.reading import Entry
from worker.process.queueing.unreadable import Cause, Unreadable

log = structlog.get_logger(__name__)

_WRONG_TYPE: Final = "WRONGTYPE"


def is_wrong_type(error: ResponseError) -> bool:
    """Return whether a key holds something else than kombu keeps in it."""
    return _WRONG_TYPE in str(error)


class SturdyQoS(QoS):
    """Kombu's, but for keys of its own that another program has written to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        #: Messages that this process alone has.
        self._unheld: set[str] = set()

    def append(self, message: Any, delivery_tag: str) -> None:  # noqa: ANN401 - kombu's message
        """Hold a message until it is acknowledged."""
        kombus: Any = super()
        try:
            kombus.append(message, delivery_tag)
        except ResponseError as error:
            if not is_wrong_type(error) and not isinstance(
                error, OutOfMemoryError | ExecAbortError
            ):
                raise
            # It is out of its queue already. Better to work on it now, unheld, than to lose it.
            log.error("message_not_held", error=type(error).__name__)  # noqa: TRY400 - no stack
            self._unheld.add(delivery_tag)
            virtual.QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Release a message."""
        kombus: Any = super()
        self._unheld.discard(delivery_tag)
        try:
            kombus.ack(delivery_tag)
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            virtual.QoS.ack(self, delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's
        """Release a message, or let the broker deliver it again."""
        kombus: Any = super()
        is_held = delivery_tag not in self._unheld
        is_safe = is_held or not requeue
        try:
            if not is_safe:
                self._put_back(delivery_tag)
                is_safe = True
            kombus.reject(delivery_tag, requeue=requeue)
        except ResponseError as error:
            if not is_safe:
                log.error("message_lost", error=type(error).__name__)  # noqa: TRY400 - no stack
            elif not is_wrong_type(error):
                if not requeue:
                    raise
                if is_held:
                    # Full, or closed to writes. It comes again in time from where it is held.
                    log.error("message_stays_held", error=type(error).__name__)  # noqa: TRY400
            # Done with here: it takes up no room among those that this process may have.
            virtual.QoS.ack(self, delivery_tag)
        self._unheld.discard(delivery_tag)

    def _put_back(self, delivery_tag: str) -> None:
        """Put a message back into its queue that the broker does not hold."""
        message: Any = self._delivered[delivery_tag]
        entry, info = message.serializable(), message.delivery_info
        channel: Any = self.channel
        with channel.conn_or_acquire() as server:
            for queue in channel.queues_of(entry, info["exchange"], info["routing_key"]):
                server.rpush(queue, json.dumps(entry))

    def restore_visible(self, *args: Any, **kwargs: Any) -> None:
        """Let the broker deliver again what other processes have held for too long."""
        kombus: Any = super()
        try:
            kombus.restore_visible(*args, **kwargs)
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            # At most every half a minute (config/celery.py).
            log.error("held_messages_unreadable", key=self.unacked_index_key)  # noqa: TRY400

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:  # noqa: ANN401, FBT001, FBT002 - kombu's
        """Put a message that is held back into its queue; one that is none is let go of.

        Kombu would stumble over it again and again, and put back nothing that comes after it.
        """
        unreadable: list[Unreadable] = []
        channel: Any = self.channel

        def restore(pipe: Any) -> None:  # noqa: ANN401 - redis-py's pipeline
            unreadable.clear()
            held = pipe.hget(self.unacked_key, tag)
            pipe.multi()
            pipe.zrem(self.unacked_index_key, tag).hdel(self.unacked_key, tag)
            if not held:
                return
            found = _held(held)
            if found is None:
                unreadable.append(Unreadable.of(Cause.NO_OBJECT, self.unacked_key, held))
                return
            for queue in channel.queues_of(found.entry, found.exchange, found.routing_key):
                (pipe.lpush if leftmost else pipe.rpush)(queue, found.text)

        try:
            with channel.conn_or_acquire(client) as server:
                server.transaction(restore, self.unacked_key)
        except ResponseError as error:
            if not is_wrong_type(error):
                raise
            log.error("held_messages_unreadable", key=self.unacked_key)  # noqa: TRY400
        for each in unreadable:
            channel.keep(each)


@dataclass(frozen=True, slots=True)
class _Held:
    """A message that a process has taken and not acknowledged."""

    entry: Entry
    text: str
    exchange: str
    routing_key: str


def _held(held: bytes) -> _Held | None:
    try:
        members = json.loads(bytes_to_str(held))
        match members:
            case [dict() as entry, str() as exchange, str() as routing_key]:
                # What is not printable may be no name of a key, either.
                if routing_key and (exchange + routing_key).isprintable():
                    return _Held(entry, json.dumps(entry), exchange, routing_key)
    except (ValueError, RecursionError):
        return None
    return None
