"""A real PostgreSQL that takes no writes for a while, or stands still and goes on."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import pytest
from sqlalchemy import select

from tests.support.engine.operations import operations, types
from tests.support.engine.process import Poller, Process, process, states
from tests.support.engine.schema import bring_to_newest
from tests.support.processes.child import wait_until
from tests.support.providers.scripted import ScriptedPlugin
from tests.support.servers.fresh import PostgresServer, postgres_server
from tests.support.servers.frozen import frozen
from uprid_client.contract.states import State
from uprid_client.names import Provider
from worker.domain.outcomes import Finished, Outcome
from worker.engine.calls import Call
from worker.engine.incarnation import Incarnation
from worker.engine.sweep import Sweep, Timing
from worker.periodic import Repeating
from worker.providers.protocol import Work
from worker.store.database import Database
from worker.store.retention import Retention
from worker.store.tables import INCARNATIONS

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

SUCCEEDED: Final = Finished(State.SUCCEEDED, "result")
_EVERY: Final = timedelta(seconds=0.5)
_SILENCE: Final = timedelta(seconds=3)
_DAY: Final = timedelta(days=1)
_TIMING: Final = Timing(
    every=_EVERY, silence=_SILENCE, slot=timedelta(seconds=1), retention=Retention(_DAY, _DAY, _DAY)
)
#: Seconds: longer than a living process may be silent.
_STANDSTILL: Final = 5.0


class Quiet:
    """A relay with nothing to do."""

    def verify_soon(self) -> None:
        return None

    def trim_soon(self) -> None:
        return None


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own: it is frozen, and its configuration changes."""
    with postgres_server() as made:
        yield made


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.create_database(bring_to_newest)


@pytest.fixture
def plugin() -> ScriptedPlugin:
    return ScriptedPlugin()


def _administer(url: str, *statements: bytes) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in statements:
            connection.execute(statement)


def _takes_writes(url: str) -> bool:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        found = connection.execute("SHOW default_transaction_read_only").fetchone()
    return found == ("off",)


@contextmanager
def living(poller: Poller) -> Iterator[None]:
    """Have a process beat and sweep as worker.process.runtime does."""
    incarnation = Incarnation(poller.database, "poller", every=_EVERY, silence=_SILENCE)
    poller.live_as(incarnation)
    sweep = Sweep(
        poller.database,
        frozenset({Provider.MONETA}),
        poller.wakeups,
        Quiet(),
        incarnation,
        _TIMING,
    )
    sweeping = Repeating("sweep", 0.1, sweep.run)
    incarnation.start()
    sweeping.start()
    try:
        yield
    finally:
        sweeping.stop()
        incarnation.leave()


def _beats(poller: Process, since: datetime) -> int:
    """Count the processes that have beaten since then."""
    with poller.database.read() as connection:
        beats = connection.execute(select(INCARNATIONS.c.beat_at)).scalars()
        return sum(beat > since for beat in beats)


def test_submit_that_is_answered_while_the_server_takes_no_writes_is_written_afterwards(
    url: str, plugin: ScriptedPlugin
) -> None:
    def close_to_writes(_: Work) -> Outcome:
        _administer(
            url, b"ALTER SYSTEM SET default_transaction_read_only = on", b"SELECT pg_reload_conf()"
        )
        wait_until(lambda: not _takes_writes(url), 20, "a server that takes no writes")
        opens.start()
        return SUCCEEDED

    def open_to_writes() -> None:
        _administer(
            url, b"ALTER SYSTEM RESET default_transaction_read_only", b"SELECT pg_reload_conf()"
        )

    opens = threading.Timer(2, open_to_writes)
    plugin.answers(Call.SUBMIT, close_to_writes)
    with process(url, plugin) as poller, living(poller):
        poller.enqueue("order-1")

        assert poller.work() == 1

        opens.join()
        assert states(poller) == ["succeeded"]
        assert operations(poller.database)[0]["lease_token"] is None
        assert types(poller.database)[-1] == "operation.succeeded"


def test_server_that_stood_still_and_goes_on_costs_no_living_process_its_leases(
    url: str, server: PostgresServer, plugin: ScriptedPlugin
) -> None:
    under_way, answers = threading.Event(), threading.Event()

    def line(_: Work) -> Outcome:
        under_way.set()
        answers.wait(120)
        return SUCCEEDED

    plugin.answers(Call.SUBMIT, line)
    with ExitStack() as stack:
        pollers = [stack.enter_context(process(url, plugin)) for _ in range(3)]
        for poller in pollers:
            stack.enter_context(living(poller))
        first = pollers[0]
        first.enqueue("order-1")
        working = threading.Thread(target=first.work)
        working.start()
        assert under_way.wait(30)
        lease_id = operations(first.database)[0]["lease_token"]
        assert lease_id is not None
        # All have beaten for long enough to judge the others.
        began = first.database.now()
        wait_until(lambda: _beats(first, began + 2 * _SILENCE) == 3, 60, "steady beats")

        with frozen(server.pid):
            threading.Event().wait(_STANDSTILL)

        thawed = first.database.now()
        wait_until(lambda: _beats(first, thawed + _SILENCE) == 3, 60, "beats after the thaw")
        assert operations(first.database)[0]["lease_token"] == lease_id
        answers.set()
        working.join(30)
        assert states(first) == ["succeeded"]
        assert "operation.late_answer" not in types(first.database)


def test_time_that_was_asked_for_while_the_server_stood_still_is_thrown_away(
    url: str, server: PostgresServer
) -> None:
    """Its clock is this host's, so that what is wrong can be seen."""
    database = Database(url, connections=1)
    database.calibrate()
    asking = threading.Thread(target=database.calibrate)

    with frozen(server.pid):
        asking.start()
        threading.Event().wait(_STANDSTILL)
    asking.join(30)

    assert abs(database.now() - datetime.now(UTC)) < timedelta(seconds=_STANDSTILL / 4)
    database.dispose()
