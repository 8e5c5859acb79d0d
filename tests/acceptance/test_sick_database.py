"""Real processes at default timings on a PostgreSQL that stands still, or takes no writes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.engine.schema import bring_to_newest
from tests.support.loopback.http_server import Answer, Asked, HttpServer
from tests.support.loopback.http_stub import said
from tests.support.messages.marketplace import ENDS, LATE, STARTED, WAITING
from tests.support.processes.system import System, system
from tests.support.providers.moneta import result, ticket
from tests.support.servers.fresh import PostgresServer, ValkeyServer, postgres_server
from tests.support.servers.frozen import frozen
from tests.support.servers.read_only import read_only

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

_PROCESSES: Final = ("worker", "poller", "poller-2")
_SUCCEEDED: Final = "uprid.operation.succeeded"
_SUBMIT: Final = b"SimplifiedIdentificationRequest"
#: Seconds: longer than LEASE_SILENCE.
_STANDSTILL: Final = 8.0
#: Seconds for which the sweeps go on after it.
_AFTERWARDS: Final = 6.0
#: Longer than the submit is held here, on a slow machine, too.
_PATIENT: Final = {
    "UPRID_MONETA__READ_TIMEOUT": "150",
    "UPRID_MONETA__TOTAL_TIMEOUT": "160",
}
_ENGINE: Final = "UPRID_ENGINE__"


class Moneta(HttpServer):
    """A provider that can hold one unit's submit, and is done after some polls."""

    def __init__(self, *, polls: int = 1) -> None:
        super().__init__(self._reply)
        self._polls = polls
        self._asked_of: dict[int, int] = {}
        self._counting = threading.Lock()
        #: The unit whose submit waits until `released` is set.
        self.held: int | None = None
        self.arrived = threading.Event()
        self.released = threading.Event()
        self.submits: list[int] = []

    def close(self) -> None:
        """Release what is still held, and end."""
        self.released.set()
        super().close()

    def _reply(self, asked: Asked) -> Answer:
        """Answer by what was asked; a task's id is its unit's."""
        body = asked.json["Envelope"]["Body"]["AsyncRequest"]
        if _SUBMIT not in asked.body:
            return self._polled(int(body["asyncId"]))
        unit = int(body["SimplifiedIdentificationRequest"]["unitId"])
        with self._counting:
            self.submits.append(unit)
        if unit == self.held:
            self.arrived.set()
            self.released.wait(140)
        return said(ticket("CREATED", asyncId=unit, expirationDate="2099-01-01T00:00:00.000+03:00"))

    def _polled(self, unit: int) -> Answer:
        with self._counting:
            self._asked_of[unit] = polls = self._asked_of.get(unit, 0) + 1
        if polls < self._polls:
            return said(ticket(asyncId=unit, expirationDate="2099-01-01T00:00:00.000+03:00"))
        return said(result(unit_id=unit))

    @property
    def polls(self) -> int:
        """How many polls came."""
        with self._counting:
            return sum(self._asked_of.values())


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own: it is frozen, and its configuration changes."""
    with postgres_server() as made:
        yield made


@contextmanager
def whole(
    directory: Path, broker: ValkeyServer, server: PostgresServer, moneta: Moneta
) -> Iterator[System]:
    """The system at default timings, at our provider."""
    url = server.create_database(bring_to_newest)
    address = {"UPRID_MONETA__URL": f"{moneta.origin}/services"}
    with system(directory, broker, url, {**_PATIENT, **address}) as made:
        assert not [
            name for name in made.settings if name.startswith(_ENGINE) and "SLOT" not in name
        ]
        made.start(*_PROCESSES)
        made.wait_until_started(*_PROCESSES)
        yield made


def pids(made: System) -> list[int]:
    return [made.process(name).pid for name in _PROCESSES]


def assert_well(
    made: System, moneta: Moneta, units: dict[str, int], pids_before: list[int]
) -> None:
    """Each operation ended once, by what was asked once; nothing is leased."""
    told = made.marketplace.told({*ENDS, WAITING, LATE})
    assert {name: [event.type for event in events] for name, events in told.items()} == {
        name: [_SUCCEEDED] for name in units
    }
    assert sorted(moneta.submits) == sorted(units.values())
    assert made.count("SELECT COUNT(*) FROM operation WHERE lease_token IS NOT NULL") == 0
    assert all(made.is_running(name) for name in _PROCESSES)
    assert pids(made) == pids_before
    for log in made.logs().values():
        assert "Traceback" not in log


def test_submit_outlives_a_database_that_stands_still_for_longer_than_leases_last(
    tmp_path: Path, broker: ValkeyServer, server: PostgresServer
) -> None:
    with Moneta() as moneta, whole(tmp_path, broker, server, moneta) as made:
        before = pids(made)
        moneta.held = 1_000
        made.marketplace.start("frozen", 1_000)
        assert moneta.arrived.wait(60)

        with frozen(server.pid):
            threading.Event().wait(_STANDSTILL)
        threading.Event().wait(_AFTERWARDS)
        moneta.released.set()

        made.marketplace.wait_for(["frozen"])
        assert_well(made, moneta, {"frozen": 1_000}, before)
        assert not [name for name, log in made.logs().items() if "leases_freed" in log]


def test_everything_goes_on_after_a_database_that_took_no_writes_for_a_second(
    tmp_path: Path, own_broker: ValkeyServer, server: PostgresServer
) -> None:
    units = {f"polled-{number}": number * 1_000 for number in range(1, 41)}
    with Moneta(polls=12) as moneta, whole(tmp_path, own_broker, server, moneta) as made:
        before = pids(made)
        for reference, unit in units.items():
            made.marketplace.start(reference, unit)
        made.marketplace.wait_for(units, [STARTED])
        moneta.held = units["held"] = 99_000
        made.marketplace.start("held", moneta.held)
        assert moneta.arrived.wait(60)

        with read_only(made.database_url):
            polls = moneta.polls
            moneta.released.set()
            # Polls come due, and their answers find no database that takes them.
            threading.Event().wait(1)

        made.marketplace.wait_for(units, timeout=60)
        assert moneta.polls > polls
        assert_well(made, moneta, units, before)
        assert any("25006" in log for log in made.logs().values())
