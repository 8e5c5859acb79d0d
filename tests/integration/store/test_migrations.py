"""Migrations under a database in the middle of its work: forward, back, refused and cut off."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest
from sqlalchemy import delete, event, select, text

from tests.support.engine import everything
from tests.support.engine.everything import Rows, columns, common, rows
from tests.support.engine.operations import NOW, claim, ended, operations, told, write
from tests.support.engine.schema_facts import Facts, facts
from tests.support.servers.fresh import PostgresServer, SqliteFiles
from uprid_client.contract.states import TERMINAL, State
from uprid_client.errors import DatabaseUnavailable
from worker.domain.errors import SchemaOutdated, SchemaTooNew, WouldLose
from worker.domain.states import DRIVEN
from worker.store import leases
from worker.store.claims import ORDINARY, URGENT
from worker.store.database import Database
from worker.store.invoice_tables import INVOICES
from worker.store.schema import migrate, newest_revision, require_usable
from worker.store.tables import METADATA, NOTIFICATIONS, OPERATIONS

_NEWEST: Final = newest_revision()
_NUMBER: Final = int(_NEWEST[:4])
_OLDER: Final = [f"{number:04}" for number in range(1, _NUMBER)]
#: Of a release that is not written yet.
_NEXT: Final = f"{_NUMBER + 1:04}"
#: What both schemas know is compared; what the engine cannot do without is worked with.
_AFTER: Final = NOW + timedelta(days=2)
_CUT_OFF: Final = """
import os, signal, sys
from sqlalchemy import event
from worker.store.database import Database
from worker.store.schema import migrate

database = Database(sys.argv[1], connections=1)
left = int(sys.argv[2])

@event.listens_for(database.engine, "before_cursor_execute")
def cut_off(connection, cursor, statement, *_):
    global left
    left -= statement.lstrip().startswith(("ALTER", "CREATE", "DROP"))
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

migrate(database)
"""


class CutOff(Exception):
    """A statement of a migration failed."""


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, connections=3)
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def in_flight(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """Rows of every kind, as the newest schema has them."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('rows')}/rows.sqlite3")
    migrate(made)
    everything.fill(made)
    found = rows(made)
    made.dispose()
    return found


def fresh(database: Database, revision: str) -> Facts:
    """Bring an empty database to a revision; return what it consists of."""
    migrate(database, revision)
    return facts(database)


def in_work(database: Database) -> None:
    """Assert that this release works on all that is under way, as if nothing had happened."""
    with database.begin() as connection:
        leases.leave(connection, "alive")
    live = {row["reference"] for row in operations(database) if row["state"] in DRIVEN}
    taken = []
    for lane in (URGENT, ORDINARY):
        taken += claim(database, lane=lane, now=_AFTER)
    assert {row.reference for row in taken} == live
    assert write(database, [ended(row) for row in taken], now=_AFTER) == {row.id for row in taken}
    assert {event.subject for event in told(database) if event.terminal} >= live


def test_rows_in_flight_are_of_every_kind(in_flight: Rows) -> None:
    assert {row["state"] for row in in_flight["operation"]} == set(State)
    assert {row["waiting_from"] for row in in_flight["operation"]} == {None, *DRIVEN}
    assert {row["ended_as"] for row in in_flight["attempt"]} == {None, *TERMINAL}
    assert len({row["stream_id"] is None for row in in_flight["outbox"]}) == 2
    assert any(row["lease_owner"] == "alive" for row in in_flight["operation"])
    assert in_flight["journal"]


@pytest.mark.parametrize("older", _OLDER)
def test_migration_keeps_all_that_an_older_release_left(
    empty: Database, in_flight: Rows, older: str
) -> None:
    migrate(empty, older)
    everything.write(empty, in_flight)
    before = rows(empty)

    migrate(empty)

    assert common(rows(empty), columns_of(before)) == before
    in_work(empty)


@pytest.mark.parametrize("older", _OLDER)
def test_migration_keeps_all_that_both_schemas_know_on_the_way_back_and_forward_again(
    empty: Database, in_flight: Rows, older: str
) -> None:
    migrate(empty)
    everything.write(empty, in_flight)
    before, newest = rows(empty), facts(empty)

    assert migrate(empty, older) == older
    known = columns(empty)
    assert rows(empty) == common(before, known)
    with pytest.raises(SchemaOutdated, match=older):
        require_usable(empty)
    assert migrate(empty) == _NEWEST

    assert common(rows(empty), known) == common(before, known)
    assert facts(empty) == newest
    in_work(empty)


def columns_of(given: Rows) -> dict[str, list[str]]:
    return {name: list(each[0]) if each else [] for name, each in given.items()}


def test_schema_is_the_same_by_whatever_way_it_was_reached(empty: Database) -> None:
    upwards = [fresh(empty, revision) for revision in (*_OLDER, _NEWEST)]

    downwards = [fresh(empty, revision) for revision in reversed(_OLDER)]
    assert [upwards[-1], *downwards] == upwards[::-1]
    assert migrate(empty, "base") == "empty"
    again = fresh(empty, "head")

    assert again == upwards[-1]
    assert len({len(each) for each in upwards}) == len(upwards)


def test_schema_of_the_models_is_that_of_the_migrations(
    empty: Database, databases: PostgresServer | SqliteFiles
) -> None:
    other = Database(databases.create_database(), connections=1)
    with other.begin() as connection:
        METADATA.create_all(connection)
    modelled = facts(other)
    other.dispose()

    migrated = fresh(empty, "head")

    # What a model cannot say: the trigger, and how PostgreSQL is to store a table. SQLite's text
    # of a table depends on the order in which its columns came.
    own = {
        name
        for name in migrated
        if name.startswith(("trigger ", "function ", "options "))
        or (empty.is_sqlite and name.startswith("table "))
    }
    assert {n: s for n, s in migrated.items() if n not in own} == {
        n: s for n, s in modelled.items() if n not in own
    }


def test_way_back_is_refused_where_it_would_lose_what_is_ours(
    empty: Database, in_flight: Rows
) -> None:
    migrate(empty)
    everything.write(empty, in_flight)
    everything.fill_further(empty)
    before, schema = rows(empty), facts(empty)

    with pytest.raises(WouldLose) as refused:
        migrate(empty, "0002")

    assert "1 live operations that use inputs" in str(refused.value)
    assert "2 notifications" in str(refused.value)
    assert "3 invoices" in str(refused.value)
    assert (rows(empty), facts(empty)) == (before, schema)
    require_usable(empty)

    # Once a person has seen to what is named, nothing stands in the way.
    with empty.begin() as connection:
        connection.execute(
            OPERATIONS.update()
            .where(OPERATIONS.c.reference == "coded-1")
            .values(state=State.CANCELLED.value, due_at=None)
        )
        connection.execute(delete(NOTIFICATIONS))
        connection.execute(delete(INVOICES))
    assert migrate(empty, "0002") == "0002"


def test_way_back_to_nothing_is_refused_where_anything_was_ever_taken(
    empty: Database, in_flight: Rows
) -> None:
    migrate(empty)
    everything.write(empty, in_flight)
    before, schema = rows(empty), facts(empty)

    with pytest.raises(WouldLose, match=f"{len(before['operation'])} operations"):
        migrate(empty, "base")

    assert (rows(empty), facts(empty)) == (before, schema)
    require_usable(empty)


@pytest.mark.parametrize(("origin", "stride"), [("empty", 9), ("0002", 5)])
def test_migration_that_fails_half_way_changes_nothing_and_can_be_run_again(
    empty: Database, in_flight: Rows, origin: str, stride: int
) -> None:
    if origin != "empty":
        migrate(empty, origin)
        everything.write(empty, in_flight)
    before, schema = rows(empty), facts(empty)

    failing = 0
    while not _survives(empty, statements=failing):
        assert (rows(empty), facts(empty)) == (before, schema)
        failing += stride

    assert failing > 3 * stride
    require_usable(empty)
    assert common(rows(empty), columns_of(before)) == before


def _survives(database: Database, *, statements: int) -> bool:
    """Migrate with one statement failing; True where there were no more statements than that."""
    left = statements

    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal left
        left -= statement.lstrip().startswith(("ALTER", "CREATE", "DROP"))
        if left < 0:
            raise CutOff

    event.listen(database.engine, "before_cursor_execute", fail)
    try:
        migrate(database)
    except CutOff:
        return False
    finally:
        event.remove(database.engine, "before_cursor_execute", fail)
    return True


def test_migration_that_is_killed_half_way_changes_nothing_and_can_be_run_again(
    empty: Database, in_flight: Rows, database_url: str
) -> None:
    migrate(empty, "0002")
    everything.write(empty, in_flight)
    before, schema = rows(empty), facts(empty)

    killed = subprocess.run(
        [sys.executable, "-c", _CUT_OFF, database_url, "9"], check=False, capture_output=True
    )

    assert killed.returncode == -9, killed.stderr
    assert (rows(empty), facts(empty)) == (before, schema)
    assert migrate(empty) == _NEWEST
    assert common(rows(empty), columns_of(before)) == before


def test_migrations_that_two_hosts_run_at_once_are_run_once(database_url: str) -> None:
    both = [Database(database_url, connections=1) for _ in range(2)]
    ready, reached = threading.Barrier(2), []

    def run(database: Database) -> None:
        ready.wait(10)
        reached.append(migrate(database))

    hosts = [threading.Thread(target=run, args=(each,)) for each in both]
    for host in hosts:
        host.start()
    for host in hosts:
        host.join(60)

    assert reached == [_NEWEST, _NEWEST]
    for each in both:
        require_usable(each)
        each.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("databases", ["postgres"], indirect=True)
def test_migration_does_not_have_everybody_wait_behind_a_table_that_is_held(
    empty: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.store.schema._IMPATIENTLY", text("SET LOCAL lock_timeout=99"))
    migrate(empty, "0002")
    with empty.read() as reader:
        reader.execute(select(OPERATIONS.c.id))

        with pytest.raises(DatabaseUnavailable, match="LockNotAvailable"):
            migrate(empty)

    assert migrate(empty) == _NEWEST


def put(database: Database, revision: str) -> None:
    """Have the schema be of a release that is not written yet, which added a column."""
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE operation ADD COLUMN mood VARCHAR(20)"))
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": revision})


@pytest.mark.parametrize("newer", [_NEXT, f"{_NUMBER + 2:04}.needs.{_NEWEST}"])
def test_release_works_on_a_newer_schema_that_leaves_it_what_it_needs(
    empty: Database, in_flight: Rows, newer: str
) -> None:
    migrate(empty)
    everything.write(empty, in_flight)
    put(empty, newer)

    assert require_usable(empty) == newer
    # A release that is put back runs its own migration first.
    assert migrate(empty) == newer
    in_work(empty)


def test_release_refuses_a_newer_schema_that_takes_away_what_it_needs(empty: Database) -> None:
    migrate(empty)
    needing = f"{_NUMBER + 2:04}.needs.{_NEXT}"
    put(empty, needing)

    said = f"It is {needing}, the newest here is {_NEWEST}"
    with pytest.raises(SchemaTooNew, match=said):
        require_usable(empty)
    with pytest.raises(SchemaTooNew, match=said):
        migrate(empty)
    with pytest.raises(SchemaTooNew, match=said):
        # The way back is for the release that made it.
        migrate(empty, "0002")
