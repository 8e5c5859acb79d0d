"""The whole worker on a database that refuses: it waits, says why, and goes on by itself."""

from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from tests.support.engine.schema import bring_to_newest
from tests.support.messages.marketplace import ENDS
from tests.support.processes.child import wait_until
from tests.support.processes.system import System, system
from tests.support.servers.fresh import PostgresServer, ValkeyServer, postgres_server
from tests.support.servers.read_only import read_only_for_old_sessions

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

_BOTH: Final = ("worker", "poller")
_ROLE: Final = "worker"
#: Seconds after a fail-over in which work goes on.
_BACK: Final = 10


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of our own: its configuration changes."""
    with postgres_server() as made:
        yield made


@pytest.fixture(scope="module")
def url(server: PostgresServer) -> str:
    """A migrated database, as its owner."""
    return server.create_database(bring_to_newest)


@pytest.fixture(scope="module")
def whole(
    url: str, broker: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """The system, as a role that may log in and nothing else."""
    administer(url, f"CREATE ROLE {_ROLE} LOGIN")
    directory = tmp_path_factory.mktemp("refuses")
    with system(directory, broker, url.replace("uprid@", f"{_ROLE}@")) as made:
        made.start_sandbox(delay=0.3)
        yield made


def administer(url: str, *statements: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def waits_for(whole: System, words: str) -> None:
    """Assert that both processes wait, and say so in lines."""
    for name in _BOTH:
        process = whole.process(name)
        process.wait_for_output(words, 40)
        assert "database_awaited" in process.output()
        assert "worker_started" not in process.output()
        assert "Traceback" not in process.output()


def test_worker_without_rights_waits_for_the_grants_and_begins_when_they_come(
    whole: System, url: str
) -> None:
    whole.start(*_BOTH)
    waits_for(whole, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES")

    administer(
        url, f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {_ROLE}"
    )
    # A sequence that may not be used is found before the first message is taken.
    waits_for(whole, "lacks rights on journal_id_seq, outbox_seq_seq")
    administer(url, f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {_ROLE}")

    whole.wait_until_started(*_BOTH)
    whole.marketplace.start("granted", 1_000)
    whole.marketplace.wait_for(["granted"], ENDS)


def test_right_that_is_taken_away_and_given_back_costs_no_operation(
    whole: System, url: str
) -> None:
    administer(url, f"REVOKE USAGE ON ALL SEQUENCES IN SCHEMA public FROM {_ROLE}")
    whole.marketplace.start("without", 2_000)
    whole.process("worker").wait_for_output("message_comes_again", 20)
    administer(url, f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {_ROLE}")

    whole.marketplace.wait_for(["without"], ENDS)

    assert whole.unit(2_000)["submits"] == 1
    for name in _BOTH:
        assert "Traceback" not in whole.log_of(name)


def test_work_goes_on_within_seconds_when_old_sessions_become_read_only(
    whole: System, url: str
) -> None:
    pids = [whole.process(name).pid for name in _BOTH]
    units = {f"failed-over-{number}": (number + 10) * 1_000 for number in range(40)}
    for reference, unit_id in units.items():
        whole.marketplace.start(reference, unit_id)
    wait_until(lambda: whole.polls() > 0, 20, "the first poll")

    with read_only_for_old_sessions(url, role=_ROLE):
        whole.marketplace.start("meanwhile", 9_000)
        whole.marketplace.wait_for([*units, "meanwhile"], ENDS, timeout=_BACK)

    ends = whole.marketplace.told(ENDS)
    assert all(len(ends[reference]) == 1 for reference in units)
    assert all(whole.unit(unit_id)["submits"] == 1 for unit_id in units.values())
    assert [whole.process(name).pid for name in _BOTH] == pids
    assert any("25006" in whole.log_of(name) for name in _BOTH)
    for name in _BOTH:
        assert "Traceback" not in whole.log_of(name)
