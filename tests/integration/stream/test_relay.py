"""The relay on a real server: in order, once, and filled in again when the server lost events."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.engine.clock import TravellingDatabase
from tests.support.engine.operations import accepted, claim, ended, told, write
from tests.support.processes.child import wait_until
from tests.support.servers.fresh import ValkeyServer, valkey_server
from uprid_client.errors import BrokerUnavailable
from worker.domain.ids import new_id
from worker.store import outbox
from worker.store.outbox import Line
from worker.stream.relay import Relay, padded, plain
from worker.stream.stream import Appended, Stream

NAME = "uprid:events"
KEEP = timedelta(days=14)


@pytest.fixture
def database(migrated_url: str) -> Iterator[TravellingDatabase]:
    opened = TravellingDatabase(migrated_url)
    yield opened
    opened.dispose()


@pytest.fixture
def stream(valkey: ValkeyServer) -> Iterator[Stream]:
    opened = Stream(valkey.url, NAME)
    yield opened
    opened.close()


@pytest.fixture
def relay(database: TravellingDatabase, stream: Stream) -> Relay:
    return make(database, stream)


def make(database: TravellingDatabase, stream: Stream) -> Relay:
    return Relay(database, stream, keep=KEEP, holder=new_id())


def store(database: TravellingDatabase, *references: str) -> None:
    accepted(database, *references, now=database.now())


def end(database: TravellingDatabase) -> None:
    """End every operation that is due, so that each has a second event."""
    now = database.now()
    write(database, [ended(row) for row in claim(database, 1000, now=now)], now=now)


def entries(server: ValkeyServer) -> list[dict[str, str]]:
    with server.client() as client:
        return [fields for _, fields in client.xrange(NAME)]


def ids(server: ValkeyServer) -> list[str]:
    return [fields["id"] for fields in entries(server)]


def subjects(server: ValkeyServer) -> list[str]:
    return [fields["subject"] for fields in entries(server)]


def test_relay_writes_cloud_events(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-ё")

    assert relay.run() == 1

    [event], [fields] = told(database), entries(valkey)
    assert list(fields) == [
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data",
    ]  # fmt: skip
    assert fields["specversion"] == "1.0"
    assert fields["source"] == "uprid-worker"
    assert fields["id"] == event.id
    assert fields["type"] == "uprid.operation.accepted"
    assert fields["subject"] == "order-ё"
    assert fields["time"].endswith("Z")
    assert '"sequence":1' in fields["data"]


def test_relay_remembers_what_it_told(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-1")

    assert [relay.run(), relay.run()] == [1, 0]

    with valkey.client() as client:
        [(stream_id, _)] = client.xrange(NAME)
    assert told(database)[0].stream_id == padded(stream_id)


def test_relay_tells_the_events_of_one_operation_in_their_order(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    references = [f"order-{number}" for number in range(150)]
    store(database, *references)
    end(database)

    assert relay.run() == 300

    kinds: dict[str, list[str]] = {}
    for fields in entries(valkey):
        kinds.setdefault(fields["subject"], []).append(fields["type"])
    assert set(kinds) == set(references)
    assert {tuple(found) for found in kinds.values()} == {
        ("uprid.operation.accepted", "uprid.operation.succeeded")
    }


def test_relay_tells_nothing_twice_when_it_died_before_it_noted_what_it_told(
    relay: Relay, stream: Stream, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-1", "order-2", "order-3")
    with database.read() as connection:
        lines = outbox.unpublished(connection, 2)
    dead = stream.append(lines, mark="", last_id="0-0", new_mark="mark")

    assert relay.run() == 3

    assert ids(valkey) == [event.id for event in told(database)]
    assert [plain(event.stream_id or "") for event in told(database)][:2] == list(dead.ids)


def test_relay_lets_one_process_through_at_a_time(
    database: TravellingDatabase, stream: Stream, valkey: ValkeyServer
) -> None:
    store(database, *(f"order-{number}" for number in range(110)))
    end(database)
    relays = [make(database, stream) for _ in range(3)]

    with ThreadPoolExecutor(3) as executor:
        for _ in range(10):
            list(executor.map(lambda relay: relay.run(), relays))

    assert ids(valkey) == [event.id for event in told(database)]


def test_relays_that_overlap_all_the_same_tell_nothing_twice_nor_out_of_turn(
    database: TravellingDatabase, stream: Stream, valkey: ValkeyServer
) -> None:
    """As when one slept through its lock: the lock is passed by here."""
    store(database, *(f"order-{number}" for number in range(110)))
    end(database)
    relays = [make(database, stream) for _ in range(3)]

    with ThreadPoolExecutor(3) as executor:
        list(executor.map(lambda relay: relay._publish_all(), relays))

    assert ids(valkey) == [event.id for event in told(database)]


def test_relay_in_the_background_tells_at_once_when_it_is_woken(
    database: TravellingDatabase,
    stream: Stream,
    valkey: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.stream.relay._LOOK_EVERY", 600)
    relay = make(database, stream)
    relay.start()
    try:
        store(database, "order-1")
        relay.wake()
        wait_until(lambda: subjects(valkey) == ["order-1"], 20, "the event")
    finally:
        relay.stop()


def test_relay_in_the_background_tells_what_nobody_called_for(
    database: TravellingDatabase, relay: Relay, valkey: ValkeyServer
) -> None:
    relay.start()
    try:
        store(database, "order-1")
        wait_until(lambda: subjects(valkey) == ["order-1"], 20, "the event")
    finally:
        relay.stop()


# A server that lost events


def test_relay_fills_the_stream_again_when_the_server_was_flushed(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, *(f"order-{number}" for number in range(210)))
    relay.run()
    before = ids(valkey)
    valkey.flush()

    relay.verify()  # and no new event

    assert ids(valkey) == before
    assert [event.id for event in told(database)] == before
    assert relay.verify() == 0
    assert ids(valkey) == before


def test_relay_fills_in_before_it_tells_what_is_new_when_the_server_was_flushed(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-1")
    relay.run()
    valkey.flush()
    end(database)

    relay.run()

    assert [fields["type"].rpartition(".")[2] for fields in entries(valkey)] == [
        "accepted",
        "succeeded",
    ]


def test_what_is_new_goes_before_all_that_a_flushed_server_lost(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    """And behind the lost events of its own operation, which have their order."""
    store(database, *(f"order-{number}" for number in range(450)))
    relay.run()
    before = set(ids(valkey))
    valkey.flush()
    now = database.now()
    [*_, last] = claim(database, 1000, now=now)
    write(database, [ended(last)], now=now)
    store(database, "new")

    relay.run()

    assert subjects(valkey)[:3] == [last.reference, last.reference, "new"]
    found = ids(valkey)
    assert set(found) == {event.id for event in told(database)} > before
    assert len(found) == len(set(found))
    assert relay.verify() == 0


def test_what_comes_during_a_refill_waits_for_one_batch_of_it(
    relay: Relay, database: TravellingDatabase, stream: Stream, valkey: ValkeyServer
) -> None:
    store(database, *(f"order-{number}" for number in range(900)))
    relay.run()
    valkey.flush()
    append = stream.append
    sizes: list[int] = []

    def counted(lines: Sequence[Line], **given: Any) -> Appended:
        appended = append(lines, **given)
        sizes.append(len(lines))
        if appended.verdict == "ok" and len(lines) == 200 and sizes.count(200) == 1:
            store(database, "new")
        return appended

    with patch.object(stream, "append", counted):
        relay.verify()

    assert subjects(valkey).index("new") == 200
    assert len(entries(valkey)) == 901


def test_relay_that_slept_over_a_flush_loses_nothing(
    relay: Relay, database: TravellingDatabase, stream: Stream, valkey: ValkeyServer
) -> None:
    """The server was flushed, and another relay saw it, before it noted what it had appended."""
    store(database, "old")
    relay.run()
    store(database, "order-1", "order-2")
    slow, append = make(database, stream), stream.append

    def flushed_behind(lines: Sequence[Line], **given: Any) -> Appended:
        appended = append(lines, **given)
        valkey.flush()
        with patch.object(stream, "append", append), database.begin() as connection:
            known = outbox.position(connection, NAME)
            outbox.begin_refill(connection, NAME, outbox.NOTHING, "")
            assert known.mark == appended.mark
        return appended

    with database.read() as connection:
        known = outbox.position(connection, NAME)
        lines = outbox.unpublished(connection, 10)
    with patch.object(stream, "append", flushed_behind):
        assert not slow._publish(lines, known)
    assert [event.stream_id for event in told(database)[1:]] == [None, None]

    relay.verify()

    assert set(subjects(valkey)) == {"old", "order-1", "order-2"}


def test_relay_fills_in_nothing_past_the_retention(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "old")
    relay.run()
    database.travel((KEEP + timedelta(hours=1)).total_seconds())
    store(database, "young")
    relay.run()
    valkey.flush()

    relay.verify()

    assert subjects(valkey) == ["young"]


def test_relay_fills_in_the_tail_that_a_server_lost(database: TravellingDatabase) -> None:
    """As after a crash or a fail-over: the server comes back with an older copy of its data."""
    with valkey_server() as server:
        stream = Stream(server.url, NAME)
        relay = make(database, stream)
        store(database, "order-1", "order-2")
        relay.run()
        data: Path = server._directory / "appendonlydir"
        older = server._directory / "older"
        server.stop()
        shutil.copytree(data, older)
        server.start()
        store(database, "order-3", "order-4")
        relay.run()
        before = ids(server)
        server.kill()
        shutil.rmtree(data)
        older.rename(data)
        server.start()
        assert subjects(server) == ["order-1", "order-2"]

        relay.verify()

        assert ids(server) == before
        assert relay.verify() == 0
        stream.close()


def test_relay_fills_in_a_tail_whose_ids_the_server_still_remembers(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-1", "order-2", "order-3")
    relay.run()
    before = ids(valkey)
    with valkey.client() as client:
        first, fields = client.xrange(NAME)[0]
        client.delete(NAME)
        client.xadd(NAME, dict(fields), id=first)

    relay.verify()

    assert ids(valkey) == before
    assert relay.verify() == 0


def test_relay_fills_in_a_tail_whose_ids_have_a_digit_more(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, *(f"order-{number}" for number in range(12)))
    relay.run()
    before = ids(valkey)
    with valkey.client() as client:
        # Published in one batch, so in one millisecond: …-0 to …-11, which as text lies before …-2.
        there = client.xrange(NAME)
        assert [stream_id.partition("-")[2] for stream_id, _ in there] == list(map(str, range(12)))
        client.delete(NAME)
        for stream_id, fields in there[:10]:
            client.xadd(NAME, dict(fields), id=stream_id)

    relay.verify()

    assert ids(valkey) == before
    assert relay.verify() == 0


def test_relay_fills_the_stream_again_when_it_alone_was_deleted(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-1", "order-2")
    relay.run()
    before = ids(valkey)
    with valkey.client() as client:
        client.delete(NAME)

    relay.verify()

    assert ids(valkey) == before
    assert relay.verify() == 0


def test_deleted_stream_is_filled_again_behind_what_is_new(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    """The server remembers the ids of what was on it, and they are no longer beyond its end."""
    store(database, "order-1", "order-2")
    relay.run()
    with valkey.client() as client:
        client.delete(NAME)
    store(database, "new")

    relay.run()

    assert subjects(valkey) == ["new", "order-1", "order-2"]


def test_relay_takes_a_trimmed_stream_for_whole(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-1", "order-2")
    relay.run()
    with valkey.client() as client:
        client.xtrim(NAME, maxlen=0, approximate=False)

    assert relay.verify() == 0
    assert entries(valkey) == []


def test_relay_finds_nothing_lost_on_a_server_that_never_had_anything(
    relay: Relay, valkey: ValkeyServer
) -> None:
    assert relay.verify() == 0
    assert relay.verify() == 0


def test_two_relays_find_a_flush_at_once_and_fill_in_everything_once(
    database: TravellingDatabase, stream: Stream, valkey: ValkeyServer
) -> None:
    store(database, *(f"order-{number}" for number in range(210)))
    relays = [make(database, stream) for _ in range(2)]
    relays[0].run()
    before = ids(valkey)
    valkey.flush()

    with ThreadPoolExecutor(2) as executor:
        list(executor.map(lambda relay: relay._publish_all(), relays))

    assert ids(valkey) == before


# Replay and trimming


def test_replay_publishes_again_with_the_same_ids(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-1", "order-2")
    relay.run()

    assert relay.replay(database.now() - timedelta(hours=1)) == 2

    assert ids(valkey) == [event.id for event in told(database)] * 2
    assert relay.run() == 0


def test_replay_begins_at_the_time_that_was_asked_for(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-1")
    relay.run()
    database.travel(3600)
    store(database, "order-2")
    relay.run()

    assert relay.replay(database.now() - timedelta(minutes=30)) == 1
    assert subjects(valkey) == ["order-1", "order-2", "order-2"]


def test_replay_on_a_flushed_server_loses_nothing(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, "order-1", "order-2")
    relay.run()
    valkey.flush()

    relay.replay(database.now() - timedelta(hours=1))
    relay.verify()

    assert set(ids(valkey)) == {event.id for event in told(database)}
    assert relay.verify() == 0


def test_trim_keeps_everything_within_the_retention(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, *(f"order-{number}" for number in range(150)))
    relay.run()
    database.travel((KEEP - timedelta(minutes=1)).total_seconds())

    assert relay.trim() == 0
    assert len(entries(valkey)) == 150


def test_trim_drops_what_is_older_and_the_relay_does_not_miss_it(
    relay: Relay, database: TravellingDatabase, valkey: ValkeyServer
) -> None:
    store(database, *(f"order-{number}" for number in range(150)))
    relay.run()
    database.travel((KEEP + timedelta(minutes=1)).total_seconds())

    assert relay.trim() >= 50
    assert len(entries(valkey)) <= 100
    assert relay.verify() == 0


# A server that is away


def test_relay_fails_aloud_while_the_server_is_away_and_tells_all_when_it_is_back(
    database: TravellingDatabase,
) -> None:
    with valkey_server() as server:
        stream = Stream(server.url, NAME)
        relay = make(database, stream)
        store(database, "order-1")
        server.stop()
        for call in (relay.run, relay.verify, relay.trim):
            with pytest.raises(BrokerUnavailable):
                call()
        assert told(database)[0].stream_id is None

        server.start()

        assert relay.run() == 1
        assert subjects(server) == ["order-1"]
        stream.close()


@pytest.mark.parametrize(
    ("stream_id", "written"),
    [
        ("0-0", "000000000000000-00000000000000000000"),
        ("1795293296123-7", "001795293296123-00000000000000000007"),
    ],
)
def test_padded_ids_come_back_plain(stream_id: str, written: str) -> None:
    assert padded(stream_id) == written
    assert plain(written) == stream_id


def test_padded_ids_sort_like_time() -> None:
    in_order = ["0-0", "9-9", "9-10", "10-0", "1795293296123-0", "1795293296123-11"]

    assert sorted(map(padded, in_order)) == list(map(padded, in_order))
