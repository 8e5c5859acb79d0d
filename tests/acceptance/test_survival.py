"""Killed, flushed, doubled, cut off: every operation still ends, and nothing is done twice.

One system on each database takes all of it, one blow after the other, with the clockwork as it is
delivered. Beat is never started: everything must happen without.
"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psutil
import pytest

from tests.support.messages.marketplace import ACCEPTED, ENDS, STARTED, WAITING, Event
from tests.support.messages.people import person
from tests.support.processes.child import PATIENCE, wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import valkey_server

#: Operations under way when the blow falls.
_MANY: Final = 200
#: Seconds from the restart to the first poll: a promise. Where the machine is so busy that the same
#: processes needed long for their first start, too, it is a multiple of that.
_FIRST_POLL_WITHIN: Final = 10.0
_OF_FIRST_START: Final = 2.5
#: Ends after three times the sandbox's delay.
_SLOW: Final = 2
_DELAY: Final = 1.2
_SETTINGS: Final = {
    "UPRID_ENGINE__SLOT": "",
    "UPRID_MONETA__RATE_PER_SECOND": "400",
    "UPRID_MONETA__POLL": json.dumps(
        {"first_after": 0.5, "steps": [[100, 2]], "then": 2, "jitter": 0.1}
    ),
    "UPRID_MONETA__THREADS": "16",
    "UPRID_MONETA__CONNECT_TIMEOUT": "2",
    "UPRID_MONETA__READ_TIMEOUT": "2",
    "UPRID_MONETA__TOTAL_TIMEOUT": "2",
}
_LEASED: Final = "SELECT COUNT(*) FROM operation WHERE lease_owner IS NOT NULL"
_ORPHANED: Final = (
    "SELECT COUNT(*) FROM operation WHERE lease_owner IS NOT NULL"
    " AND lease_owner NOT IN (SELECT id FROM incarnation)"
)

#: For what has nothing to do with the kind of database.
_on_one_database = pytest.mark.parametrize(
    "both_urls",
    [pytest.param("postgres", marks=pytest.mark.postgres)],
    indirect=True,
    scope="module",
)


@pytest.fixture(scope="module")
def battered(both_urls: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system that takes the blows."""
    directory = tmp_path_factory.mktemp("survival")
    with valkey_server() as broker, system(directory, broker, both_urls, _SETTINGS) as made:
        made.start_sandbox(delay=_DELAY, task_timeout=60)
        yield made


@pytest.fixture(scope="module")
def first_poll_within(battered: System) -> float:
    """Seconds within which the first poll must come, on this machine at this time."""
    began = time.monotonic()
    battered.start("worker", "poller")
    battered.wait_until_started("worker", "poller")
    return max(_FIRST_POLL_WITHIN, _OF_FIRST_START * (time.monotonic() - began))


@pytest.fixture
def whole(battered: System, first_poll_within: float) -> System:
    """The same, on its feet again."""
    battered.start(*(name for name in ("worker", "poller") if not battered.is_running(name)))
    return battered


def start_many(whole: System, prefix: str, count: int, scenario: int = _SLOW) -> dict[str, int]:
    """Enqueue operations; return their units by reference."""
    known = len(whole.marketplace.sent)
    units = {f"{prefix}-{n}": (known + n + 1) * 1_000 + scenario for n in range(count)}
    for number, (reference, unit_id) in enumerate(units.items()):
        whole.marketplace.start(reference, unit_id, person(number))
    return units


def assert_each_ended_once(whole: System, units: Mapping[str, int]) -> None:
    """Every operation: one accepted, one started, one end, in this order; one submit."""
    told: dict[str, list[Event]] = {}
    for event in whole.marketplace.events():
        told.setdefault(event.subject, []).append(event)
    calls = whole.calls()["units"]
    for reference, unit_id in units.items():
        types = [event.type for event in told[reference]]
        assert types[:2] == [ACCEPTED, STARTED], reference
        assert [each for each in types if each in ENDS] == ["uprid.operation.succeeded"], reference
        sequence = [event.data["sequence"] for event in told[reference]]
        assert sequence == list(range(1, len(types) + 1)), reference
        assert calls[str(unit_id)]["submits"] == 1, reference


def wait_for_leases(whole: System) -> None:
    """Wait for a moment at which a poller has work in hand."""
    wait_until(lambda: whole.count(_LEASED), 15, "a poller with leases", interval=0.01)


def freeze_with_leases(whole: System) -> int:
    """Stop the poller's clock while it has work in hand; return how many leases it holds."""

    def held() -> int:
        wait_for_leases(whole)
        whole.freeze("poller")
        leased = whole.count(_LEASED)
        if not leased:
            # It gave them back between the look and the stop.
            whole.thaw("poller")
        return leased

    return wait_until(held, 30, "a poller that was stopped with leases")


def test_processes_are_the_lines_of_the_procfile(whole: System) -> None:
    for role in ("worker", "poller"):
        process = psutil.Process(whole.process(role).pid)
        # Empty between its fork and its exec.
        command = wait_until(process.cmdline, 5, "a command line")
        assert command[-1] == role
        assert command[-2].endswith("/uprid")


def test_killed_workers_lose_nothing_and_poll_again_within_ten_seconds(
    whole: System, first_poll_within: float
) -> None:
    units = start_many(whole, "killed", _MANY)
    whole.marketplace.wait_for(units, [STARTED], timeout=40)
    freeze_with_leases(whole)

    whole.kill9("worker", "poller")
    polled = whole.polls()
    restarted = time.monotonic()
    whole.start("worker", "poller")

    wait_until(lambda: whole.polls() > polled, 30, "the first poll")
    first_poll = time.monotonic() - restarted
    whole.marketplace.wait_for(units, ENDS)
    assert_each_ended_once(whole, units)
    assert first_poll < first_poll_within


def test_submits_cut_off_by_a_kill_are_cleared_up_and_never_repeated(whole: System) -> None:
    whole.stop("poller")
    taken = start_many(whole, "taken", 6, scenario=514)
    not_taken = start_many(whole, "not-taken", 6, scenario=515)
    ordinary = start_many(whole, "ordinary", 60, scenario=0)
    everything = {**taken, **not_taken, **ordinary}
    whole.marketplace.wait_for(everything, [ACCEPTED])
    whole.start("poller")
    hanging = {str(unit) for unit in (*taken.values(), *not_taken.values())}
    wait_until(lambda: hanging <= whole.calls()["units"].keys(), 20, "submits that hang")

    whole.kill9("poller")
    rows = whole.rows("SELECT reference FROM operation WHERE state = 'submitting'")
    doubtful = {reference for (reference,) in rows}
    rows = whole.rows(
        "SELECT reference FROM operation WHERE state NOT IN ('accepted', 'submitting')"
    )
    cleared_up = {reference for (reference,) in rows}
    whole.start("poller")

    last = whole.marketplace.wait_for(everything)
    calls = whole.calls()["units"]
    cut_off = taken.keys() | not_taken.keys()
    assert doubtful & cut_off
    # On a busy machine some had timed out, and were cleared up, before the kill.
    assert doubtful | cleared_up >= cut_off
    assert all(calls[str(unit)]["submits"] <= 1 for unit in everything.values())
    assert all(len(last[reference]) == 1 for reference in everything)
    for reference in taken:
        [event] = last[reference]
        assert event.type == "uprid.operation.succeeded"
        assert event.data["result"]["verified_by"] == "profile_group"
    for reference in not_taken:
        [event] = last[reference]
        assert event.type == WAITING
        assert event.data["reason"]["code"] == "doubtful_submit"
    for reference in ordinary.keys() - doubtful:
        assert last[reference][0].type == "uprid.operation.succeeded"
    shown = whole.show("not-taken-0")
    assert shown["state"] == "waiting_for_person"
    assert shown["reason"]["code"] == "doubtful_submit"


@_on_one_database
def test_stopped_poller_gives_its_leases_back_at_once(whole: System) -> None:
    units = start_many(whole, "stopped", 100)
    whole.marketplace.wait_for(units, [STARTED])
    poller = whole.process("poller").pid
    wait_for_leases(whole)

    began = time.monotonic()
    whole.stop("poller")
    took = time.monotonic() - began

    assert took < 5 * PATIENCE
    assert whole.count(_ORPHANED) == 0
    assert whole.count("SELECT COUNT(*) FROM incarnation WHERE pid = :pid", pid=poller) == 0
    assert whole.count("SELECT COUNT(*) FROM operation WHERE claims > 0") == 0
    whole.start("poller")
    whole.marketplace.wait_for(units, ENDS, timeout=25)
    assert_each_ended_once(whole, units)


def test_flushed_broker_delays_nothing_and_its_stream_is_filled_again(
    whole: System, first_poll_within: float
) -> None:
    units = start_many(whole, "flushed", _MANY)
    whole.marketplace.wait_for(units, [STARTED])
    told_before = Counter(event.id for event in whole.marketplace.events())

    whole.broker.flush()
    flushed = time.monotonic()
    polled = whole.polls()
    wait_until(lambda: whole.polls() > polled, 30, "the first poll")
    first_poll = time.monotonic() - flushed

    whole.marketplace.wait_for(units, ENDS)
    outbox = "SELECT COUNT(*) FROM outbox"
    wait_until(
        lambda: len(whole.marketplace.events()) == whole.count(outbox), 10, "the whole outbox"
    )
    told = Counter(event.id for event in whole.marketplace.events())
    assert told_before <= told
    assert set(told.values()) == {1}
    assert first_poll < first_poll_within
    assert_each_ended_once(whole, units)


@_on_one_database
def test_chunk_message_delivered_a_hundred_times_multiplies_no_polls(whole: System) -> None:
    units = start_many(whole, "doubled", 40)
    whole.marketplace.wait_for(units, [STARTED])
    server = whole.broker.client()
    began = time.monotonic()
    for _ in range(3):
        message = wait_until(lambda: _chunk_message(server), 10, "a chunk message", interval=0.005)
        server.lpush("moneta.chunks", *[message or ""] * 100)

    whole.marketplace.wait_for(units, ENDS)

    # The first wait is half a second, every other two, less a tenth by jitter.
    lasted = time.monotonic() - began + 2
    most = 2 + lasted / 1.8
    calls = whole.calls()["units"]
    assert max(calls[str(unit)]["polls"] for unit in units.values()) <= most
    assert_each_ended_once(whole, units)
    # None of the copies circulates without end, either.
    wait_until(lambda: server.llen("moneta.chunks") == 0, 10, "an empty queue")
    wait_until(lambda: server.hlen("unacked") < 20, 15, "few waiting messages")
    server.close()


def _chunk_message(server: Any) -> str | None:  # noqa: ANN401 - redis-py's answers
    """Return a chunk message as it lies in the broker, waiting or handed out."""
    waiting: list[str] = server.lrange("moneta.chunks", 0, 0)
    if waiting:
        return waiting[0]
    for held in server.hvals("unacked"):
        message, _exchange, key = json.loads(held)
        if key == "moneta.chunks":
            return json.dumps(message)
    return None


@_on_one_database
@pytest.mark.parametrize("keeps_its_log", [True, False], ids=["with-aof", "without-aof"])
def test_killed_broker_comes_back_and_everything_ends(whole: System, keeps_its_log: bool) -> None:
    prefix = "aof" if keeps_its_log else "no-aof"
    units = start_many(whole, prefix, 40)
    whole.marketplace.wait_for(units, [STARTED])

    whole.broker.kill()
    if not keeps_its_log:
        shutil.rmtree(whole.broker._directory / "appendonlydir")
    time.sleep(0.5)
    whole.broker.start()

    whole.marketplace.wait_for(units, ENDS)
    assert_each_ended_once(whole, units)
    assert whole.is_running("worker")
    assert whole.is_running("poller")
    after = start_many(whole, f"{prefix}-after", 3, scenario=0)
    whole.marketplace.wait_for(after, ENDS)


def test_everything_ended_without_beat(whole: System) -> None:
    assert not [log for log in whole.logs() if "beat" in log]
    live = "SELECT COUNT(*) FROM operation WHERE state IN ('accepted', 'submitting', 'polling')"
    assert whole.count(live) == 0
