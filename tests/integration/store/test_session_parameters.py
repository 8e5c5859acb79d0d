"""Session parameters are ours: no role, database or server has a say in them, pooler or not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from tests.support.engine.operations import accept, start
from tests.support.engine.schema import bring_to_newest
from tests.support.servers.fresh import PostgresServer
from tests.support.servers.pgbouncer import pgbouncer
from worker.store import claims, writeback
from worker.store.database import Database
from worker.store.schema import migrate, require_usable

pytestmark = pytest.mark.postgres

#: What an administrator may set for a role, a database or all, and nothing of ours may feel.
_HOSTILE: Final = {
    "client_encoding": "LATIN1",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Kathmandu",
    "search_path": "nowhere",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "standard_conforming_strings": "off",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "synchronous_commit": "off",
    "row_security": "off",
}


def _alter(url: str, **values: str) -> None:
    """Have a database give these to every new session."""
    name = url.rpartition("/")[2]
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for parameter, value in values.items():
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            connection.execute(
                statement.format(
                    sql.Identifier(name), sql.Identifier(parameter), sql.Literal(value)
                )
            )


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """A database with the newest schema."""
    made = postgres.create_database(bring_to_newest)
    yield made
    postgres.drop_database(made)


def _works(url: str) -> None:
    """Have a database take, claim and give back an operation, to the microsecond."""
    database = Database(url, connections=2)
    try:
        require_usable(database)
        apart = abs(database.now() - datetime.now(UTC))
        assert apart < timedelta(minutes=5)
        now = database.now()
        accept(database, start("Ёлка «№ 1»\\"), now)
        with database.begin() as connection:
            shared = claims.lock_provider(connection, "moneta", now)
            claims.write_shared(connection, "moneta", tokens=0.1 + 0.2)
            [row] = claims.claim(
                connection, "moneta", 0, 1, owner="o" * 36, lease_id="t" * 36, now=now
            )
            assert claims.lock_provider(connection, "moneta", now).tokens == 0.1 + 0.2
        assert not shared.paused
        assert row.reference == "Ёлка «№ 1»\\"
        assert row.due_at == now
        with database.begin() as connection:
            writeback.give_back(connection, "t" * 36, [row.id])
    finally:
        database.dispose()


@pytest.mark.parametrize("name", _HOSTILE)
def test_parameter_that_a_database_sets_changes_nothing_for_us(url: str, name: str) -> None:
    _alter(url, **{name: _HOSTILE[name]})

    _works(url)


def test_parameters_of_a_database_change_nothing_behind_a_pooler(
    url: str, postgres: PostgresServer
) -> None:
    _alter(url, **_HOSTILE)

    with pgbouncer(url, size=2) as bouncer:
        _works(bouncer.before(url))


def test_migrate_heeds_no_parameter_of_a_database(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    _alter(url, **(_HOSTILE | {"search_path": "pg_catalog"}))
    database = Database(url, connections=1)

    migrate(database)

    _works(url)
    database.dispose()


@pytest.mark.parametrize("name", ["PGOPTIONS", "PGTZ", "PGDATESTYLE", "PGCLIENTENCODING"])
def test_libpqs_environment_changes_nothing_for_us(
    url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = {"PGOPTIONS": "-c TimeZone=Asia/Kathmandu -c work_mem=64kB", "PGTZ": "Asia/Kathmandu",
               "PGDATESTYLE": "SQL, DMY", "PGCLIENTENCODING": "LATIN1"}  # fmt: skip
    with pgbouncer(url, size=1) as bouncer:
        monkeypatch.setenv(name, hostile[name])

        _works(bouncer.before(url))


def test_nothing_stays_on_a_connection_when_a_transaction_ends(url: str) -> None:
    # The next transaction on the server's connection is another user's.
    shown = "SELECT name, setting FROM pg_settings"
    with pgbouncer(url, size=1) as bouncer:
        pooled = bouncer.before(url)
        with psycopg.connect(pooled.replace("+psycopg", ""), autocommit=True) as other:
            before: dict[str, str] = dict(other.execute(shown).fetchall())
            _works(pooled)
            after: dict[str, str] = dict(other.execute(shown).fetchall())
            prepared = other.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
            held = other.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")

            assert prepared == (0,)
            assert held.fetchone() == (0,)
    differing = {name for name in before if before[name] != after[name]}
    # What a pooler carries over from its client.
    assert differing <= {"application_name", "client_encoding"}


def test_what_is_confirmed_is_on_the_disk_although_the_server_would_wait(url: str) -> None:
    # The tests' server has it off.
    database = Database(url, connections=1)
    asked = text("SELECT reset_val, setting FROM pg_settings WHERE name = 'synchronous_commit'")

    with database.begin() as connection:
        writing = tuple(connection.execute(asked).one())
    with database.read() as connection:
        reading = tuple(connection.execute(asked).one())

    assert writing == ("off", "on")
    assert reading == ("off", "off")
    database.dispose()


def test_tables_may_be_in_a_schema_that_the_address_names(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA apart")
    named = f"{url}?options=-csearch_path%3Dapart"
    database = Database(named, connections=1)

    migrate(database)

    _works(named)
    with database.read() as connection:
        found = connection.execute(text("SELECT to_regclass('public.operation')")).scalar_one()
    assert found is None
    database.dispose()
