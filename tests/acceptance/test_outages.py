"""Starts without a broker or a database, stops without them, and both restarted underneath.

One system takes all of it, one outage after the other, on servers of its own.
"""

import json
import signal
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.messages.marketplace import ENDS, STARTED
from tests.support.messages.people import person
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import PostgresServer, ValkeyServer, postgres_server, valkey_server
from tests.support.servers.frozen import frozen
from worker.process.forced_stop import MARGIN
from worker.store.database import Database
from worker.store.schema import migrate, newest_revision

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

#: Seconds: how long a call may last.
_LONGEST_CALL: Final = 2.0
#: Seconds in which a stop must be over when nothing hangs but calls.
_STOPPED: Final = _LONGEST_CALL + MARGIN
#: Passwords that the servers do not ask for, and that must stay secret.
_SECRET: Final = "hush-hush"
_SETTINGS: Final = {
    "UPRID_MONETA__RATE_PER_SECOND": "400",
    "UPRID_MONETA__CONNECT_TIMEOUT": str(_LONGEST_CALL),
    "UPRID_MONETA__READ_TIMEOUT": str(_LONGEST_CALL),
    "UPRID_MONETA__TOTAL_TIMEOUT": str(_LONGEST_CALL),
    "UPRID_ENGINE__HEARTBEAT": "1",
    # Beat sends a fifth as often.
    "UPRID_ENGINE__SWEEP_EVERY": "1",
    "UPRID_ENGINE__LEASE_SILENCE": "3",
}
_BOTH: Final = ("worker", "poller")
_LEASED: Final = "SELECT COUNT(*) FROM operation WHERE lease_owner IS NOT NULL"


class Servers:
    """The servers that go away and come back."""

    def __init__(self, broker: ValkeyServer, postgres: PostgresServer) -> None:
        self.broker = broker
        self.postgres = postgres
        self.url = postgres.create_database()

    def stop(self) -> None:
        """Have both be away."""
        self.broker.stop()
        self.postgres.stop()

    def start(self) -> None:
        """Have both be there."""
        for server in (self.postgres, self.broker):
            server.restart()


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """A Valkey and a PostgreSQL of our own."""
    with valkey_server() as broker, postgres_server() as postgres:
        yield Servers(broker, postgres)


@pytest.fixture(scope="module")
def whole(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system; its database is empty at first."""
    url = servers.url.replace("uprid@", f"uprid:{_SECRET}@")
    redis = servers.broker.url.replace("redis://", f"redis://default:{_SECRET}@")
    settings = {**_SETTINGS, "REDIS_URL": redis}
    directory = tmp_path_factory.mktemp("outages")
    with system(directory, servers.broker, url, settings) as made:
        made.start_sandbox(delay=0.5)
        yield made


def ends(whole: System, prefix: str, count: int = 2) -> None:
    """Have operations go all the way."""
    known = len(whole.marketplace.sent)
    units = {f"{prefix}-{n}": (known + n + 1) * 1_000 for n in range(count)}
    for number, (reference, unit_id) in enumerate(units.items()):
        whole.marketplace.start(reference, unit_id, person(number))
    whole.marketplace.wait_for(units, ENDS)
    assert all(whole.unit(unit_id)["submits"] == 1 for unit_id in units.values())


def diagnosed(whole: System, status: int) -> dict[str, tuple[str, str]]:
    """Run the doctor; return level and detail by what was looked at."""
    told = json.loads(whole.uprid("doctor", "--json", status=status))
    return {found["what"]: (found["level"], found["detail"]) for found in told["findings"]}


def stops(whole: System, *names: str, status: int = 0, twice: bool = False) -> None:
    """Assert that processes end by themselves once they are asked to, within the grace."""
    # The second at once: Python gives the signal its usual, deadly meaning back as it ends.
    for _ in range(1 + twice):
        for name in names:
            whole.process(name).send(signal.SIGTERM)
    for name in names:
        process = whole.process(name)
        # Generous to a busy machine; a process that hangs would never end.
        assert process.wait(_STOPPED + 8) == status, process.tail()
        whole.forget(name)


def lines(whole: System, name: str, text: str) -> int:
    """Count the lines of a running process that hold a text."""
    return sum(text in line for line in whole.log_of(name).splitlines())


def test_start_without_broker_and_database_waits_and_says_so(
    whole: System, servers: Servers
) -> None:
    servers.stop()
    whole.start(*_BOTH)

    for name in _BOTH:
        # Said again only once a minute.
        whole.process(name).wait_for_output("database_awaited", 40)
        assert lines(whole, name, "The database does not answer") >= 1
        assert whole.is_running(name)
    found = diagnosed(whole, 1)
    assert found["broker"][0] == found["database"][0] == "fault"
    assert "REDIS_URL" in found["broker"][1]
    assert "DATABASE_URL" in found["database"][1]


def test_process_that_waits_for_its_database_stops_when_it_is_asked_to(whole: System) -> None:
    stops(whole, "poller")


def test_start_on_an_older_schema_waits_for_the_migration_and_says_so(
    whole: System, servers: Servers
) -> None:
    servers.postgres.start()
    older = Database(servers.url, connections=1)
    migrate(older, "0002")
    older.dispose()
    whole.start("poller")

    said = f"It is 0002, the newest here is {newest_revision()}"
    for name in _BOTH:
        whole.process(name).wait_for_output(said, 40)
        assert "uprid migrate" in whole.log_of(name)
        assert "worker_started" not in whole.log_of(name)
    assert said in diagnosed(whole, 1)["database"][1]

    assert newest_revision() in whole.uprid("migrate")

    whole.wait_until_started(*_BOTH)


def test_start_without_broker_waits_and_begins_by_itself_when_it_comes(
    whole: System, servers: Servers
) -> None:
    for name in _BOTH:
        whole.process(name).wait_for_output("Cannot connect to redis://", 30)
        assert whole.is_running(name)
    found = diagnosed(whole, 1)
    assert found["broker"][0] == "fault"
    assert found["database"][0] == found["workers"][0] == found["pollers"][0] == "ok"

    servers.broker.start()

    ends(whole, "late-broker")


def test_restarted_database_and_broker_are_found_again_by_idle_processes(
    whole: System, servers: Servers
) -> None:
    pids = [whole.process(name).pid for name in _BOTH]

    servers.postgres.restart()
    ends(whole, "database-restarted")
    servers.broker.restart()
    ends(whole, "broker-restarted")

    assert [whole.process(name).pid for name in _BOTH] == pids
    assert all(whole.is_running(name) for name in _BOTH)


def test_messages_of_another_release_are_told_of_once_the_database_is_back(
    whole: System, servers: Servers
) -> None:
    shop = whole.marketplace
    servers.postgres.stop()
    unknown = shop.send("tasks.moneta.start_of_a_newer_release", reference="newer", unit_id=1)
    pickled = shop.send(headers={"serializer": "pickle"}, reference="pickled", unit_id=1)
    whole.process("worker").wait_for_output("refusal_waits", 40)
    # Chunks of another release's: what they were meant for is done without them.
    shop.send("tasks.moneta.poll_of_an_older_release", "moneta.chunks")
    shop.send("tasks.moneta.poll_async_requests", "moneta.chunks")
    shop.send("tasks.moneta.poll_async_requests", "moneta.chunks", slot="soon", shard=[3])

    servers.postgres.start()

    assert "no task of this release" in shop.wait_for_refusal(unknown, 30).data["reason"]["message"]
    ends(whole, "beside-another-release")
    assert "serializer" in str(shop.wait_for_refusal(pickled, 30).data["reason"])
    assert len(shop.refusals()) == 2
    assert all(whole.is_running(name) for name in _BOTH)


def test_beat_waits_for_the_broker_and_says_so(whole: System, servers: Servers) -> None:
    servers.broker.stop()
    whole.start("beat")
    # It has something to send only every five seconds.
    whole.process("beat").wait_for_output("beat: Connection error", 40)
    assert whole.is_running("beat")

    servers.broker.start()

    whole.process("beat").wait_for_output("Sending due task", 60)
    stops(whole, "beat")


def test_stop_in_the_middle_of_hanging_calls_ends_within_the_grace_and_gives_leases_back(
    whole: System,
) -> None:
    whole.outage("hang")
    known = len(whole.marketplace.sent)
    units = {f"hanging-{n}": (known + n + 1) * 1_000 for n in range(40)}
    for number, (reference, unit_id) in enumerate(units.items()):
        whole.marketplace.start(reference, unit_id, person(number))
    wait_until(lambda: whole.count(_LEASED) > 0, 20, "calls that hang", interval=0.01)

    # A second request to stop, as an impatient supervisor's, changes nothing.
    stops(whole, *_BOTH, twice=True)

    assert whole.count(_LEASED) == 0
    assert whole.count("SELECT COUNT(*) FROM incarnation") == 0
    whole.outage("up")
    whole.start(*_BOTH)
    last = whole.marketplace.wait_for(units)
    assert {len(each) for each in last.values()} == {1}
    assert all(whole.unit(unit_id)["submits"] <= 1 for unit_id in units.values())


@pytest.mark.parametrize("away", ["broker", "database"])
def test_stop_ends_although_a_server_is_away(whole: System, servers: Servers, away: str) -> None:
    server = servers.broker if away == "broker" else servers.postgres
    whole.wait_until_started(*_BOTH)
    server.stop()
    told = {"broker": "Cannot connect to redis", "database": "heartbeat_missed"}[away]
    for name in _BOTH:
        whole.process(name).wait_for_output(told, 30)

    stops(whole, *_BOTH)

    server.start()
    assert whole.count(_LEASED) == 0
    whole.start(*_BOTH)
    ends(whole, f"{away}-was-away")


def test_stop_ends_although_both_servers_are_frozen(whole: System, servers: Servers) -> None:
    """They keep every connection open and answer nothing: only the last resort ends this."""
    units = {f"frozen-{n}": 90_000_000 + n * 1_000 + 2 for n in range(20)}
    for number, (reference, unit_id) in enumerate(units.items()):
        whole.marketplace.start(reference, unit_id, person(number))
    whole.marketplace.wait_for(units, [STARTED])

    with frozen(servers.broker.pid, servers.postgres.pid):
        stops(whole, *_BOTH, status=1)

    whole.start(*_BOTH)
    whole.marketplace.wait_for(units, ENDS)
    assert all(whole.unit(unit_id)["submits"] == 1 for unit_id in units.values())


def test_nothing_was_told_that_nobody_may_read_or_that_nobody_can(whole: System) -> None:
    whole.stop(*_BOTH)
    for name, text in whole.logs().items():
        assert _SECRET not in text, name
        # A server that is away is no mistake of ours: it is logged in a line, without a stack.
        assert "Traceback" not in text, name
        assert '"passed"' not in text, name
        assert "Celery 5.1" not in text, name
