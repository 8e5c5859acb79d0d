"""What others can write where we read: on the stream, and in the keys beside it."""

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
import redis
from cryptography.fernet import Fernet

from config.queues import Wake
from config.settings import load
from tests.support.engine.operations import accepted, told
from tests.support.engine.parts import worker_parts
from tests.support.processes.command import uprid
from tests.support.servers.valkey import ValkeyServer
from uprid_client import Client, Event
from uprid_client.errors import StreamUnusable, Unsealable
from uprid_client.names import Provider
from worker.cli.doctor.finding import Level
from worker.cli.doctor.stream import check_stream
from worker.domain.ids import new_id
from worker.store.database import Database
from worker.stream.relay import Relay, padded, plain
from worker.stream.stream import Stream

STREAM: Final = "uprid:events"
KEY: Final = Fernet.generate_key().decode()
OURS: Final = {
    "specversion": "1.0",
    "id": "event-1",
    "source": "uprid-worker",
    "type": "uprid.operation.succeeded",
    "subject": "order-1",
    "time": "2026-11-21T12:00:00.250Z",
    "datacontenttype": "application/json",
    "data": json.dumps({"reference": "order-1", "state": "succeeded"}),
}
#: Text, or bytes.
Fields = Mapping[Any, Any]
#: By what is wrong, the whole entry and what is said of it.
FOREIGN: Final[dict[str, tuple[Fields, str]]] = {
    "another-programs": ({"ping": "1"}, "id is missing, type is missing"),
    **{
        f"without-{name}": ({k: v for k, v in OURS.items() if k != name}, f"{name} is missing")
        for name in ("id", "type", "subject", "time", "data")
    },
    "without-source": (
        {k: v for k, v in OURS.items() if k != "source"},
        "source is not uprid-worker",
    ),
    "another-source": ({**OURS, "source": "shop"}, "source is not uprid-worker"),
    "empty-id": ({**OURS, "id": ""}, "id is empty"),
    "empty-type": ({**OURS, "type": ""}, "type is empty"),
    "subject-no-utf-8": ({**OURS, "subject": b"\xff\xfe"}, "subject is not UTF-8"),
    "data-no-utf-8": ({**OURS, "data": b'{"a": "\xff"}'}, "data is not UTF-8"),
    "name-no-utf-8": ({"\udcff".encode("utf-8", "surrogateescape"): "1"}, "id is missing"),
    "data-no-json": ({**OURS, "data": "ping"}, "data is no JSON object"),
    "data-not-a-number": ({**OURS, "data": '{"a": NaN}'}, "data is no JSON object"),
    "data-list": ({**OURS, "data": "[]"}, "data is no JSON object"),
    "data-null": ({**OURS, "data": "null"}, "data is no JSON object"),
    "data-deep": ({**OURS, "data": "[" * 100_000}, "data is no JSON object"),
    "time-unreadable": ({**OURS, "time": "yesterday"}, "time is not RFC 3339 with a zone"),
    "time-without-zone": (
        {**OURS, "time": "2026-11-21T12:00:00"},
        "time is not RFC 3339 with a zone",
    ),
}
on_one_database = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def server(valkey: ValkeyServer) -> Iterator[redis.Redis]:
    with valkey.client() as made:
        yield made


@pytest.fixture
def client(valkey: ValkeyServer) -> Iterator[Client]:
    made = Client(valkey.url, [KEY])
    yield made
    made.close()


@pytest.fixture
def relay(valkey: ValkeyServer, database: Database) -> Iterator[Relay]:
    stream = Stream(valkey.url, STREAM)
    yield Relay(database, stream, keep=timedelta(days=14), holder=new_id())
    stream.close()


def add(server: redis.Redis, fields: Fields, stream_id: str = "*") -> str:
    given: Any = fields
    return str(server.xadd(STREAM, given, id=stream_id))


def read(client: Client, consumer: str = "one") -> list[Event]:
    return list(client.events("shop", consumer, block=0.05, quiet=0.05))


def pending(server: redis.Redis) -> int:
    summary: Any = server.xpending(STREAM, "shop")
    return int(summary["pending"])


# Consumers


def test_answer_that_is_no_token_does_not_open(client: Client, server: redis.Redis) -> None:
    add(server, {**OURS, "data": json.dumps({"sealed": 5})})
    (event,) = read(client)

    with pytest.raises(Unsealable):
        event.open()


@pytest.mark.parametrize(("fields", "said"), FOREIGN.values(), ids=FOREIGN)
def test_consumer_skips_acknowledges_and_logs_what_is_no_event(
    client: Client,
    server: redis.Redis,
    caplog: pytest.LogCaptureFixture,
    fields: Fields,
    said: str,
) -> None:
    foreign = add(server, fields)
    add(server, OURS)

    with caplog.at_level(logging.WARNING):
        found = read(client)

    assert [event.id for event in found] == ["event-1"]
    assert pending(server) == 0
    [line] = [record.getMessage() for record in caplog.records if foreign in record.getMessage()]
    assert said in line
    assert "ping" not in line


def test_consumer_skips_foreign_entries_that_were_delivered_before(
    client: Client, server: redis.Redis
) -> None:
    add(server, {"ping": "1"})
    add(server, OURS)
    server.xgroup_create(STREAM, "shop", id="0")
    # As a consumer of an earlier release left them: delivered, and never acknowledged.
    server.xreadgroup("shop", "one", {STREAM: ">"})

    assert [event.id for event in read(client)] == ["event-1"]
    assert pending(server) == 0


def test_consumer_takes_foreign_entries_over_and_skips_them(
    client: Client, server: redis.Redis
) -> None:
    add(server, {"ping": "1"})
    server.xgroup_create(STREAM, "shop", id="0")
    server.xreadgroup("shop", "dead", {STREAM: ">"})

    events = client.events("shop", "one", block=0.05, quiet=0.05, claim_after=0)

    assert list(events) == []
    assert pending(server) == 0


def test_consumer_delivers_an_event_of_a_newer_release(client: Client, server: redis.Redis) -> None:
    add(server, {**OURS, "type": "uprid.weather.changed", "mood": "good"})

    [event] = read(client)

    assert event.type == "uprid.weather.changed"


def test_consumer_says_that_the_streams_key_holds_something_else(
    client: Client, server: redis.Redis
) -> None:
    server.lpush(STREAM, "ping")

    with pytest.raises(StreamUnusable, match=r"uprid:events holds something that is no stream"):
        read(client)


# `uprid events tail`


def test_tail_names_foreign_entries_and_prints_the_others(
    valkey: ValkeyServer, server: redis.Redis
) -> None:
    for fields, _ in FOREIGN.values():
        add(server, fields)
    add(server, {**OURS, "type": "uprid.weather.changed", "data": '{"reason": 7, "attempt": 1}'})

    for form in ([], ["--json"]):
        tail = ("events", "tail", "--all", "--no-follow", *form)
        shown = uprid({"REDIS_URL": valkey.url}, *tail)

        assert shown.status == 0
        [line] = shown.out.splitlines()
        assert "uprid.weather.changed" in line
        assert len(shown.lines) == len(FOREIGN)
        assert all("is no event of ours" in complaint for complaint in shown.lines)


def test_tail_plays_nothing_on_a_terminal(valkey: ValkeyServer, server: redis.Redis) -> None:
    add(server, {**OURS, "subject": "order\x1b[2J\x9b1"})

    for form in ([], ["--json"]):
        shown = uprid({"REDIS_URL": valkey.url}, "events", "tail", "--no-follow", *form)

        assert shown.status == 0
        assert "\x1b" not in shown.out
        assert "\x9b" not in shown.out
        if form:
            assert json.loads(shown.out)["subject"] == "order\x1b[2J\x9b1"


@pytest.mark.parametrize("start", ["x", "1-", "99999999999999999999", "1-99999999999999999999"])
def test_tail_refuses_what_is_no_stream_id(valkey: ValkeyServer, start: str) -> None:
    shown = uprid({"REDIS_URL": valkey.url}, "events", "tail", "--no-follow", "--from", start)

    assert shown.status == 2
    assert shown.lines == ["--from: is no stream id: take one that tail printed"]


@pytest.mark.parametrize("everything", [[], ["--all"]], ids=["last", "all"])
def test_tail_says_that_the_streams_key_holds_something_else(
    valkey: ValkeyServer, server: redis.Redis, everything: list[str]
) -> None:
    server.lpush(STREAM, "ping")

    shown = uprid({"REDIS_URL": valkey.url}, "events", "tail", "--no-follow", *everything)

    assert shown.status == 1
    [line] = shown.lines
    assert "uprid:events holds something that is no stream" in line


# The relay


def test_relay_goes_on_among_foreign_entries(
    relay: Relay, database: Database, server: redis.Redis
) -> None:
    add(server, {"ping": "1"})
    accepted(database, "order-1", now=database.now())
    assert relay.run() == 1
    server.flushall()
    add(server, {b"\xff": b"\xff"})
    accepted(database, "order-2", now=database.now())

    # What was lost is filled in again, and what is new is added.
    relay.run()
    assert server.xlen(STREAM) == 3


@pytest.mark.parametrize(
    "garbage", [b"\xff\xfe", b"", b"x" * 100, b"a b"], ids=["no-utf-8", "empty", "long", "words"]
)
def test_relay_takes_garbage_in_the_mark_for_a_wiped_server(
    relay: Relay, database: Database, server: redis.Redis, garbage: bytes
) -> None:
    accepted(database, "order-1", now=database.now())
    relay.run()
    server.set(f"{STREAM}:mark", garbage)
    accepted(database, "order-2", now=database.now())

    relay.run()
    assert relay.run() == 0
    # Looked for beside the garbage, the first is still there, and is not doubled.
    assert server.xlen(STREAM) == 2
    assert {event.stream_id is None for event in told(database)} == {False}


@pytest.mark.parametrize("what", ["mark", "seen"])
@pytest.mark.parametrize("kind", ["list", "garbage"])
def test_relay_goes_on_where_its_own_keys_hold_something_else(
    relay: Relay, database: Database, server: redis.Redis, what: str, kind: str
) -> None:
    accepted(database, "order-1", now=database.now())
    [event] = told(database)
    key = f"{STREAM}:mark" if what == "mark" else f"{STREAM}:seen:{event.id}"
    if kind == "list":
        server.lpush(key, "x")
    else:
        server.set(key, b"\xff")

    assert relay.run() == 1

    assert server.xlen(STREAM) == 1
    assert relay.run() == 0


def test_relay_says_that_the_streams_key_holds_something_else_and_fills_it_once_it_is_gone(
    relay: Relay, database: Database, server: redis.Redis
) -> None:
    accepted(database, "order-1", now=database.now())
    server.lpush(STREAM, "ping")

    with pytest.raises(StreamUnusable, match="rename or delete it"):
        relay.run()
    with pytest.raises(StreamUnusable, match="rename or delete it"):
        relay.trim()

    server.delete(STREAM)
    assert relay.run() == 1


@pytest.mark.parametrize("far", ["9999999999999999-0", "18446744073709551615-7"])
def test_relay_goes_on_behind_an_entry_of_the_far_future(
    relay: Relay, database: Database, server: redis.Redis, far: str
) -> None:
    accepted(database, "order-1", now=database.now())
    relay.run()
    add(server, {"ping": "1"}, far)
    accepted(database, "order-2", now=database.now())

    assert relay.run() == 1
    assert relay.run() == 0

    # And once that stream was put aside, all of it is filled in again.
    server.rename(STREAM, "aside")
    accepted(database, "order-3", now=database.now())
    relay.run()
    assert server.xlen(STREAM) == 3


def test_relay_says_that_no_id_is_left(
    relay: Relay, database: Database, server: redis.Redis
) -> None:
    add(server, {"ping": "1"}, f"{2**64 - 1}-{2**64 - 1}")
    accepted(database, "order-1", now=database.now())

    with pytest.raises(StreamUnusable, match="last id that there is"):
        relay.run()


def test_stream_ids_sort_as_text_like_time_and_fit_their_column() -> None:
    times = [0, 7, 1_780_000_000_000, 10**15 - 1, 10**15, 2**53 + 1, 2**64 - 2, 2**64 - 1]
    ids = [f"{time}-{number}" for time in times for number in (0, 1, 2**64 - 1)]

    assert [plain(padded(each)) for each in ids] == ids
    assert sorted(padded(each) for each in ids) == [padded(each) for each in ids]
    assert max(len(padded(each)) for each in ids) <= 36


# Slot markers


@on_one_database
@pytest.mark.parametrize("kind", ["no-utf-8", "list"])
def test_slots_are_woken_whatever_their_markers_hold(
    monkeypatch: pytest.MonkeyPatch,
    valkey: ValkeyServer,
    server: redis.Redis,
    migrated_url: str,
    kind: str,
) -> None:
    settings = {
        "DATABASE_URL": migrated_url,
        "UPRID_SEAL_KEYS": KEY,
        "UPRID_FINGERPRINT_KEY": "f" * 32,
    }
    with worker_parts(monkeypatch, valkey.url, settings) as runtime:
        due = runtime.database.now()
        runtime.wakeups.at(Provider.MONETA, Wake.POLL, [due])
        [marker] = [str(key) for key in server.scan_iter("uprid:slot:*")]
        server.flushall()
        if kind == "list":
            server.lpush(marker, "x")
        else:
            server.set(marker, b"\xff")

    with worker_parts(monkeypatch, valkey.url, settings) as runtime:
        runtime.wakeups.at(Provider.MONETA, Wake.POLL, [due])

        # A marker that holds anything says that the slot was published; a list is none.
        assert server.llen("moneta.chunks") == (1 if kind == "list" else 0)
        assert server.type(marker) == "string"


# The doctor


def test_doctor_says_what_became_of_the_stream(valkey: ValkeyServer, server: redis.Redis) -> None:
    settings = load(environment={"REDIS_URL": valkey.url})

    def found() -> tuple[Level, str]:
        [finding] = check_stream(settings)
        return finding.level, finding.detail

    assert found()[0] is Level.OK
    add(server, OURS)
    assert found()[0] is Level.OK
    add(server, OURS, "9999999999999999-0")
    assert found()[0] is Level.WARNING
    server.delete(STREAM)
    server.lpush(STREAM, "ping")
    level, detail = found()
    assert level is Level.FAULT
    assert "holds something that is no stream" in detail
