"""Our channels of kombu's, on a real broker on which others write."""

import json
from collections.abc import Iterator
from contextlib import suppress
from socket import timeout as nothing_came
from typing import Any, Final

import pytest
import redis
from celery import Celery
from celery.events.receiver import EventReceiver
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.message import Message
from kombu.messaging import Consumer, Producer
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport.redis import SentinelTransport, Transport
from kombu.utils.imports import symbol_by_name
from structlog.testing import capture_logs

import worker.process.app  # noqa: F401 - has every connection made by our transports
from tests.support.messages.foreign_entries import NO_BROADCASTS, NO_MESSAGES, PLANTED
from tests.support.messages.malformed import body, message
from tests.support.processes.child import wait_until
from tests.support.servers.valkey import ValkeyServer
from worker.process.queueing import kept
from worker.process.queueing.channel import (
    Sturdy,
    SturdyChannel,
    SturdySentinelTransport,
    SturdyTransport,
)
from worker.process.queueing.unreadable import Cause, Unreadable

QUEUE: Final = "moneta"


@pytest.fixture
def server(valkey: ValkeyServer) -> Iterator[redis.Redis]:
    with valkey.client() as made:
        yield made


@pytest.fixture
def connection(valkey: ValkeyServer) -> Iterator[Connection]:
    made = Connection(
        valkey.url, transport=SturdyTransport, transport_options={"visibility_timeout": 60}
    )
    with made:
        yield made


class Reading:
    """A consumer of one queue."""

    def __init__(self, connection: Connection, queue: str = QUEUE) -> None:
        self.taken: list[Message] = []
        self._connection = connection
        self.channel: Any = connection.channel()
        queues = [Queue(queue, Exchange(queue), routing_key=queue)]
        Consumer(self.channel, queues, on_message=self.taken.append).consume()

    def until(self, count: int) -> list[Message]:
        """Read until so many messages were taken."""

        def enough() -> bool:
            with suppress(nothing_came):
                self._connection.drain_events(timeout=0.2)
            return len(self.taken) >= count

        wait_until(enough, 10, f"{count} messages", interval=0)
        return self.taken


@pytest.mark.parametrize(
    ("scheme", "transport", "kombus"),
    [
        ("redis", SturdyTransport, Transport),
        ("rediss", SturdyTransport, Transport),
        ("sentinel", SturdySentinelTransport, SentinelTransport),
    ],
)
def test_every_connection_of_a_worker_is_made_by_our_transports(
    scheme: str, transport: type, kombus: type
) -> None:
    made: Any = symbol_by_name(TRANSPORT_ALIASES[scheme])

    assert made is transport
    assert kombus in made.__mro__
    assert issubclass(vars(made)["Channel"], Sturdy)


def test_entries_that_are_no_messages_are_kept_by_queue_and_stand_ins_go_on(
    server: redis.Redis, connection: Connection
) -> None:
    reading = Reading(connection)

    server.lpush(QUEUE, *NO_MESSAGES.values(), message(body()))

    taken = reading.until(len(NO_MESSAGES) + 1)
    assert [bool(each.headers) for each in taken] == [False] * len(NO_MESSAGES) + [True]
    assert kept.kept(server).counts == {QUEUE: len(NO_MESSAGES)}


def test_no_more_than_so_many_are_kept(server: redis.Redis) -> None:
    for number in range(kept.LONGEST + 3):
        kept.keep(server, Unreadable.of(Cause.NOT_JSON, "x" * number, b""))

    assert server.llen(kept.LIST) == kept.LONGEST
    found = kept.kept(server)
    # A queue that is none of ours adds no count of its own.
    assert found.counts == {"other": kept.LONGEST + 3}
    assert found.newest is None
    assert len(str(server.lindex(kept.LIST, 0))) > kept.LONGEST


def test_key_that_is_no_list_keeps_no_consumer_from_starting(
    server: redis.Redis, connection: Connection
) -> None:
    server.set("npd", PLANTED)
    # Celery asks for the length of each queue as it begins to consume.
    others = Reading(connection, "npd")
    reading = Reading(connection)

    server.lpush(QUEUE, message(body()))

    assert len(reading.until(1)) == 1
    assert others.taken == []
    assert others.channel.queue_declare("npd", passive=True).message_count == 0


@pytest.mark.parametrize("spoilt", ["unacked", "unacked_index"])
def test_message_that_cannot_be_held_is_worked_on_all_the_same(
    server: redis.Redis, connection: Connection, spoilt: str
) -> None:
    server.set(spoilt, PLANTED)
    reading = Reading(connection)

    server.lpush(QUEUE, message(body()), message(body()))

    for each in reading.until(2):
        each.ack()
    reading.channel.qos.restore_visible()
    assert server.llen(QUEUE) == 0


def test_message_that_is_read_from_a_full_broker_is_not_lost(
    server: redis.Redis, connection: Connection
) -> None:
    reading = Reading(connection)
    server.lpush(QUEUE, message(body()))
    server.config_set("maxmemory", 1)
    try:
        [taken] = reading.until(1)
        taken.ack()
    finally:
        server.config_set("maxmemory", 0)


@pytest.mark.parametrize(
    ("full_before", "said", "held"),
    [(False, "message_stays_held", 1), (True, "message_lost", 0)],
    ids=["read before it was full", "read from a full one"],
)
def test_message_that_a_full_broker_does_not_take_back_is_told_of(
    server: redis.Redis,
    connection: Connection,
    capsys: pytest.CaptureFixture[str],
    *,
    full_before: bool,
    said: str,
    held: int,
) -> None:
    reading = Reading(connection)
    reading.channel.basic_qos(prefetch_count=1)
    server.lpush(QUEUE, message(body()))
    server.config_set("maxmemory", int(full_before))
    try:
        [taken] = reading.until(1)
        server.config_set("maxmemory", 1)
        taken.requeue()
    finally:
        server.config_set("maxmemory", 0)

    assert said in capsys.readouterr().out
    assert server.hlen("unacked") == held
    assert reading.channel.qos.can_consume()


def test_message_that_no_queue_takes_back_is_told_of(
    server: redis.Redis, connection: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    reading = Reading(connection)
    server.lpush(QUEUE, message(body()))
    server.config_set("maxmemory", 1)
    try:
        [taken] = reading.until(1)
    finally:
        server.config_set("maxmemory", 0)
    server.set(QUEUE, PLANTED)

    taken.requeue()

    assert "message_lost" in capsys.readouterr().out


def test_message_that_was_read_from_a_full_broker_goes_back_into_its_queue(
    server: redis.Redis, connection: Connection
) -> None:
    reading = Reading(connection)
    server.lpush(QUEUE, message(body()))
    server.config_set("maxmemory", 1)
    try:
        [taken] = reading.until(1)
    finally:
        server.config_set("maxmemory", 0)

    taken.requeue()

    assert server.llen(QUEUE) == 1
    again = reading.until(2)[-1]
    assert again is not taken
    assert (again.body, again.headers["id"]) == (taken.body, taken.headers["id"])
    again.ack()


def test_message_that_an_older_release_held_goes_back_into_its_queue(
    server: redis.Redis, connection: Connection
) -> None:
    reading = Reading(connection)
    entry = json.loads(message(body(), properties={"priority": 3}))
    server.hset("unacked", "t", json.dumps([entry, QUEUE, QUEUE]))
    server.zadd("unacked_index", {"t": 1.0})

    reading.channel.qos.restore_visible()

    assert server.llen(f"{QUEUE}\x06\x163") == 1
    assert server.hlen("unacked") == 0


def test_message_that_is_given_back_comes_next(server: redis.Redis, connection: Connection) -> None:
    reading = Reading(connection)
    server.lpush(QUEUE, message(body()))
    [first] = reading.until(1)

    first.requeue()

    again = reading.until(2)[1]
    assert again.headers["id"] == first.headers["id"]
    assert again.delivery_tag != first.delivery_tag
    again.ack()
    assert server.hlen("unacked") == 0


def test_same_message_delivered_twice_is_acknowledged_twice(
    server: redis.Redis, connection: Connection
) -> None:
    reading = Reading(connection)
    server.lpush(QUEUE, *[message(body(), properties={"delivery_tag": "t"})] * 2)
    first, second = reading.until(2)

    first.ack()

    assert server.hlen("unacked") == 1
    second.ack()
    assert server.hlen("unacked") == 0


def test_exchange_with_foreign_bindings_still_leads_to_its_queue(
    server: redis.Redis, connection: Connection
) -> None:
    reading = Reading(connection)
    server.sadd(f"_kombu.binding.{QUEUE}", b"\xff", PLANTED, "a\x06\x16b\x06\x16c\x06\x16d")

    Producer(connection.channel()).publish(
        [[], {}, {}], exchange=QUEUE, routing_key=QUEUE,
        headers={"id": "i", "task": "t"}, serializer="json",
    )  # fmt: skip

    [taken] = reading.until(1)
    assert taken.headers["id"] == "i"


def test_who_watches_events_outlives_what_is_none(
    server: redis.Redis, connection: Connection
) -> None:
    app = Celery("watched", set_as_current=False, broker="memory://")
    seen: list[str] = []
    receiver = EventReceiver(connection, {"*": lambda event: seen.append(event["type"])}, app=app)
    with receiver.consumer_context() as (own, _, _), capture_logs() as logs:
        with suppress(nothing_came):
            own.drain_events(timeout=0.2)
        for raw in NO_BROADCASTS:
            server.publish("/0.celeryev/worker.heartbeat", raw)
        dispatcher = app.events.Dispatcher(connection, hostname="w@h", enabled=True)
        dispatcher.send("worker-online")

        def came() -> bool:
            with suppress(nothing_came):
                own.drain_events(timeout=0.2)
            return bool(seen)

        wait_until(came, 10, "an event", interval=0)

    assert seen == ["worker-online"]
    assert [log["event"] for log in logs].count("broadcast_unreadable") == len(NO_BROADCASTS)


def test_reply_that_is_none_is_passed_over(server: redis.Redis, connection: Connection) -> None:
    channel: Any = connection.channel()
    assert isinstance(channel, SturdyChannel)

    for raw in NO_MESSAGES.values():
        server.rpush("some.reply.celery.pidbox", raw)
    taken: list[object] = []
    Consumer(
        channel, [Queue("some.reply.celery.pidbox")], callbacks=[lambda *a: taken.append(a)]
    ).consume()
    while server.llen("some.reply.celery.pidbox"):
        with suppress(nothing_came):
            connection.drain_events(timeout=0.2)

    assert taken == []
    assert kept.kept(server).counts == {}
