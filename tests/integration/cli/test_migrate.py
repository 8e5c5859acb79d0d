"""`uprid migrate`, forward and back, and what the doctor says of a schema that is not its own."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.support.engine import everything
from tests.support.processes.command import uprid
from tests.support.servers.valkey import ValkeyServer
from worker.store import leases
from worker.store.database import Database
from worker.store.schema import migrate, newest_revision, require_usable

Settings = dict[str, str]


@pytest.fixture
def settings(database_url: str, valkey: ValkeyServer) -> Settings:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": valkey.url,
        "UPRID_SEAL_KEYS": "c2l4dGVlbiBieXRlcyBvZiBhIGdvbGRlbiBrZXkhISE=",
        "UPRID_FINGERPRINT_KEY": "f" * 32,
    }


@pytest.fixture
def opened(database_url: str) -> Iterator[Database]:
    """The newest schema, in a database of its own: what is done to it must not be shared."""
    made = Database(database_url, connections=2)
    migrate(made)
    yield made
    made.dispose()


def beats(database: Database) -> None:
    with database.begin() as connection:
        leases.beat(connection, incarnation="w", role="worker", host="h", pid=1, now=database.now())


def looked_at(settings: Settings) -> dict[str, tuple[str, str]]:
    told = json.loads(uprid(settings, "doctor", "--json").out)
    return {found["what"]: (found["level"], found["detail"]) for found in told["findings"]}


def test_migrate_says_where_the_schema_stands_however_often_it_is_run(settings: Settings) -> None:
    for _ in range(2):
        run = uprid(settings, "migrate")
        assert (run.status, run.out) == (0, f"schema is at {newest_revision()}\n")


def test_migrate_goes_back_and_forward(settings: Settings, opened: Database) -> None:
    assert uprid(settings, "migrate", "--to", "0002").out == "schema is at 0002\n"
    assert looked_at(settings)["database"][0] == "fault"
    assert uprid(settings, "migrate").status == 0
    require_usable(opened)


def test_migrate_goes_back_only_when_every_process_is_stopped(
    settings: Settings, opened: Database
) -> None:
    beats(opened)

    run = uprid(settings, "migrate", "--to", "0002")

    assert run.status == 1
    [line] = run.lines
    assert "1 processes are alive" in line
    require_usable(opened)
    # Forward is for a rolling upgrade, while workers run.
    assert uprid(settings, "migrate").status == 0


def test_migrate_says_in_one_line_what_going_back_would_lose(
    settings: Settings, opened: Database
) -> None:
    everything.fill_further(opened)

    run = uprid(settings, "migrate", "--to", "0002")

    assert run.status == 1
    [line] = run.lines
    assert "would lose" in line
    assert "3 invoices" in line
    require_usable(opened)


def test_migrate_knows_no_revision_that_nobody_made(settings: Settings, opened: Database) -> None:
    run = uprid(settings, "migrate", "--to", "0042")

    assert run.status == 2
    assert newest_revision() in run.err


@pytest.mark.parametrize(
    ("revision", "what", "level", "said"),
    [
        pytest.param("0009", "schema", "warning", "0009 is newer", id="that-only-adds"),
        pytest.param("0009.needs.0008", "database", "fault", "too new", id="that-takes-away"),
    ],
)
def test_doctor_tells_of_a_newer_schema(
    settings: Settings, opened: Database, revision: str, what: str, level: str, said: str
) -> None:
    with opened.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": revision})

    found = looked_at(settings)

    assert found[what][0] == level
    assert said in found[what][1]
    run = uprid(settings, "migrate")
    assert run.status == (0 if level == "warning" else 1)
    assert len(run.lines) == run.status
