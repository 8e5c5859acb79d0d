"""Foreign entries in the workers' queues end no process and show no person's data.

One worker and one poller take all of it, with their process ids held against each other at the end.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import psutil
import pytest
import redis

from config.queues import CHUNK_QUEUES, INTAKE_QUEUES
from tests.support.leaks.places import dump
from tests.support.messages.foreign_entries import NO_BROADCASTS, NO_MESSAGES, NO_TASKS, PLANTED
from tests.support.messages.malformed import body, message
from tests.support.messages.marketplace import ACCEPTED, START, Marketplace
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import valkey_server
from worker.process.queueing import kept

_BOTH: Final = ("worker", "poller")
_LARGE: Final = 50 * 2**20
_numbers: Final = count(1)


@dataclass(frozen=True)
class Run:
    """A system on whose broker others write."""

    whole: System
    #: Speaks bytes.
    server: redis.Redis
    pids: tuple[int, ...]

    @property
    def shop(self) -> Marketplace:
        return self.whole.marketplace

    def push(self, queue: str, *entries: str | bytes) -> None:
        """Put entries into a queue, the first one first."""
        self.server.lpush(queue, *entries)

    def takes_a_good_one(self) -> None:
        """Check that a good message is worked on, by the very same processes."""
        number = next(_numbers)
        self.shop.start(f"good-{number}", 7_000_000 + number)
        self.shop.wait_for([f"good-{number}"])
        assert tuple(self.whole.process(name).pid for name in _BOTH) == self.pids
        assert all(self.whole.is_running(name) for name in _BOTH)

    def refused(self, message_id: str) -> dict[str, Any]:
        """Return what the one refusal of a message says."""
        self.shop.wait_for_refusal(message_id, timeout=30)
        [event] = self.shop.refusals()[message_id]
        return event.data

    def counted(self) -> dict[str, int]:
        """Return how many unreadable entries there were, by queue."""
        return kept.kept(self.shop.redis).counts

    def lines(self, text: str) -> int:
        """Count the lines of both processes' logs that hold a text."""
        return sum(self.whole.log_of(name).count(text) for name in _BOTH)


def plant(server: redis.Redis) -> None:
    """Write where kombu keeps its own: before a worker comes and looks for what others left."""
    held: dict[str, str | bytes] = {
        "no-json": f"{PLANTED} x", "null": "null", "number": PLANTED, "two": '[{}, "moneta"]',
        "no-object": f'["{PLANTED}", "", "moneta"]', "no-queue": "[{}, null, null]",
        "no-utf8": b"\xff", "deep": "[" * 50_000, "no-name": '[{}, "\\ud83d", "moneta"]',
        # One that a worker was killed over, and one that is no message behind its envelope.
        "lost": json.dumps([json.loads(message(body())), "", "moneta"]),
        "no-message": f'[{{"{PLANTED}": 1}}, "", "operations"]',
    }  # fmt: skip
    for tag, what in held.items():
        server.hset("unacked", tag, what)
        server.zadd("unacked_index", {tag: 1.0})
    server.zadd("unacked_index", {b"\xfe\xff": 1.0})
    server.zadd("unacked_index", {PLANTED: 2.0})
    server.set("_kombu.binding.npd", PLANTED)
    server.sadd("_kombu.binding.celery.pidbox", b"\xff", PLANTED, "a\x06\x16b")
    server.sadd("_kombu.binding.reply.celery.pidbox", b"\xff", PLANTED)


@pytest.fixture(scope="module")
def run(sqlite_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """The system, started on a broker in which others have written already."""
    directory = tmp_path_factory.mktemp("foreign")
    with valkey_server() as broker, system(directory, broker, sqlite_url) as whole:
        server = redis.Redis.from_url(broker.url, socket_timeout=60)
        plant(server)
        whole.start_sandbox(delay=0)
        whole.start(*_BOTH)
        whole.wait_until_started(*_BOTH)
        yield Run(whole, server, tuple(whole.process(name).pid for name in _BOTH))
        server.close()


def test_start_outlives_what_others_wrote_into_kombus_own_keys(run: Run) -> None:
    run.takes_a_good_one()

    # What was a message is put back, and what was none is described.
    wait_until(lambda: run.counted().get("other") == 9, 60, lambda: str(run.counted()))
    wait_until(lambda: run.counted().get("operations") == 1, 20, lambda: str(run.counted()))
    assert run.server.zscore("unacked_index", PLANTED) is None
    assert run.lines("binding_refused") == 1


def test_entries_that_are_no_messages_end_nothing_in_any_queue(run: Run) -> None:
    before = run.counted()
    queues = [*INTAKE_QUEUES, *CHUNK_QUEUES]

    for queue in queues:
        run.push(queue, *NO_MESSAGES.values())
    run.push("moneta\x06\x163", *NO_MESSAGES.values())
    run.push("moneta.chunks\x06\x169", *NO_MESSAGES.values())

    run.takes_a_good_one()
    each = len(NO_MESSAGES)
    wanted = {queue: before.get(queue, 0) + each for queue in queues}
    wanted["moneta"] += each
    wanted["moneta.chunks"] += each
    wanted["other"] = before["other"]
    wait_until(lambda: run.counted() == wanted, 60, lambda: str(run.counted()))


def test_messages_that_cannot_be_read_are_refused_under_their_ids(run: Run) -> None:
    run.push("moneta", *NO_TASKS.values())

    for raw in NO_TASKS.values():
        data = run.refused(json.loads(raw)["headers"]["id"])
        assert data["task"] == START
    run.takes_a_good_one()


def test_pickled_message_is_refused_under_its_id(run: Run) -> None:
    message_id = run.shop.send(headers={"serializer": "pickle"}, reference="pickled", unit_id=1)

    data = run.refused(message_id)

    assert "serializer" in str(data["reason"])
    [line] = [
        json.loads(line)
        for line in run.whole.log_of("worker").splitlines()
        if message_id in line and "entry_unreadable" in line
    ]
    assert (line["task"], line["queue"], line["cause"]) == (START, "moneta", "content_type")


def test_compressed_message_is_taken(run: Run) -> None:
    run.shop.send(headers={"compression": "zlib"}, reference="compressed", unit_id=7_100_001)

    run.shop.wait_for(["compressed"], [ACCEPTED])


def test_message_that_swells_is_refused(run: Run) -> None:
    raw = json.loads(message("", headers={"compression": "zlib"}, properties={}))
    raw["body"] = b64encode(zlib.compress(bytes(100_000_000))).decode()
    run.push("moneta", json.dumps(raw))

    assert "larger" in str(run.refused(raw["headers"]["id"])["reason"])


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize(
    ("headers", "embed", "field"),
    [
        ({"expires": in_seconds(-60)}, {}, "(expires)"),
        ({"expires": "soon"}, {}, "(expires)"),
        ({"eta": in_seconds(86_400)}, {}, "(eta)"),
        ({"eta": "9999-12-31T23:59:59"}, {}, "(eta)"),
        ({}, {"callbacks": [{"task": "stolen.task", "options": {"queue": "stolen"}}]},
         "(chained)"),
        ({}, {"errbacks": [{"task": "stolen.task", "options": {"queue": "stolen"}}]},
         "(chained)"),
        ({}, {"chain": [{"task": "stolen.task", "options": {"queue": "stolen"}}]}, "(chained)"),
        ({}, {"chord": {"task": "stolen.task", "options": {"queue": "stolen"}}}, "(chained)"),
    ],
    ids=[
        "expired", "expires-garbage", "eta-far", "eta-at-the-end-of-time", "callbacks", "errbacks",
        "chain", "chord",
    ],
)  # fmt: skip
def test_message_that_asks_for_what_is_not_done_is_refused(
    run: Run, headers: dict[str, object], embed: dict[str, object], field: str
) -> None:
    number = next(_numbers)
    arguments = {"reference": f"asks-{number}", "unit_id": 7_200_000 + number}
    raw = message(body(kwargs=arguments, embed=embed), headers=headers)
    run.push("moneta", raw)

    data = run.refused(json.loads(raw)["headers"]["id"])

    assert data["fields"] == [field]
    assert data["reference"] == arguments["reference"]
    assert run.server.llen("stolen") == 0
    assert (
        run.whole.count(
            "SELECT COUNT(*) FROM operation WHERE reference = :r", r=arguments["reference"]
        )
        == 0
    )


def test_message_of_celerys_first_protocol_is_taken(run: Run) -> None:
    old = {"task": START, "id": "of-the-first", "args": [], "retries": 0, "eta": None,
           "kwargs": {"reference": "first-protocol", "unit_id": 7_300_001}}  # fmt: skip
    bare = {"task": None, "id": None, "lang": None, "root_id": None}
    run.push("moneta", message(json.dumps(old), task=None, headers=bare))

    run.shop.wait_for(["first-protocol"], [ACCEPTED])


def test_message_that_is_too_large_is_refused_and_leaves_no_large_worker(run: Run) -> None:
    worker = psutil.Process(run.pids[0])
    small = worker.memory_info().rss
    message_id = run.shop.send(reference="large", unit_id=1, sealed="x" * (2 * 2**20))
    run.push("moneta", (PLANTED + "x" * _LARGE).encode())
    run.push("moneta.chunks", (PLANTED + "x" * _LARGE).encode())

    assert "1048576" in str(run.refused(message_id)["reason"])
    run.takes_a_good_one()
    newest = [json.loads(each) for each in run.shop.redis.lrange(kept.LIST, 0, 5)]
    sizes = [each["size"] for each in newest if each["cause"] == "too_large"]
    assert sizes.count(_LARGE + len(PLANTED)) == 2
    [hashed] = [
        each["sha256"]
        for each in newest
        if each["queue"] == "moneta" and each["size"] == _LARGE + len(PLANTED)
    ]
    assert "is larger than" in str(run.refused(f"sha256:{hashed}")["reason"])
    assert run.lines('"code": "too_large"') >= 2
    # A parsed one would leave more than four times its size.
    wait_until(
        lambda: worker.memory_info().rss < small + 2 * _LARGE,
        20,
        lambda: f"{small / 2**20:.0f} MiB became {worker.memory_info().rss / 2**20:.0f}",
    )


def test_broadcasts_that_are_none_end_nothing(run: Run) -> None:
    for channel in (b"/0.celery.pidbox", b"/0.celeryev/worker.heartbeat", b"/0.celeryev/\xff"):
        for raw in NO_BROADCASTS:
            run.server.publish(channel, raw)

    run.takes_a_good_one()
    # Both still listen.
    assert run.lines("broadcast_unreadable") == 2 * len(NO_BROADCASTS)


def test_queue_that_is_no_queue_holds_up_no_other_and_is_logged_once(run: Run) -> None:
    for queue in ("mandarin", "npd.chunks"):
        run.server.set(queue, PLANTED)
    try:
        run.takes_a_good_one()
        wait_until(lambda: run.lines("queue_is_no_list") == 2, 20, "both to be logged")
        told = json.loads(run.whole.uprid("doctor", "--json", status=1))
        [queues] = [each for each in told["findings"] if each["what"] == "queues"]
        assert "mandarin is a string" in queues["detail"]
        run.takes_a_good_one()
    finally:
        run.server.delete("mandarin", "npd.chunks")

    message_id = run.shop.send("tasks.mandarin.submit_sms_code", "mandarin", reference="x")
    run.refused(message_id)
    assert run.lines("queue_is_no_list") == 2


def test_nothing_that_was_written_there_is_shown_or_stored(run: Run) -> None:
    shop = run.shop
    wait_until(lambda: shop.redis.hlen("unacked") == 0, 30, "no message to be held")

    for name, text in run.whole.logs().items():
        assert PLANTED not in text, name
    assert PLANTED not in dump(run.whole)
    assert PLANTED not in str(shop.redis.lrange(kept.LIST, 0, -1))
    assert PLANTED not in json.dumps([dict(event.fields) for event in shop.events()])
    told = run.whole.uprid("doctor", "--json")
    assert PLANTED not in told
    assert '"unreadable entries", "level": "warning"' in told
    assert shop.redis.llen(kept.LIST) <= kept.LONGEST
