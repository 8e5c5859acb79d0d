"""Integration tests share one migrated database of each kind, emptied before every test.

The quick run has PostgreSQL for the tests of the store, whose statements differ (`store/conftest`),
and SQLite for what stands on the store.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, text

from tests.support.engine.schema import bring_to_newest
from tests.support.servers.fresh import PostgresServer, SqliteFiles
from worker.store.database import Database
from worker.store.tables import METADATA

Kept = dict[PostgresServer | SqliteFiles, Database]


@pytest.fixture(
    params=[
        pytest.param("sqlite"),
        pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.exhaustive]),
    ]
)
def databases(request: pytest.FixtureRequest) -> PostgresServer | SqliteFiles:
    """Either source of databases: the test runs twice."""
    source: PostgresServer | SqliteFiles = request.getfixturevalue(request.param)
    return source


@pytest.fixture(scope="session")
def kept_databases() -> Iterator[Kept]:
    """A database for each source that was asked for one."""
    kept: Kept = {}
    yield kept
    for database in kept.values():
        database.dispose()


@pytest.fixture
def migrated_url(databases: PostgresServer | SqliteFiles, kept_databases: Kept) -> str:
    """The address of a database with the newest schema and no rows, on both.

    A fresh copy for every test, as elsewhere, would cost PostgreSQL more than the tests themselves.
    """
    if databases not in kept_databases:
        url = databases.create_database(bring_to_newest)
        kept_databases[databases] = Database(url, connections=1)
    database = kept_databases[databases]
    _empty(database)
    return database.engine.url.render_as_string(hide_password=False)


def _empty(database: Database) -> None:
    tables = METADATA.sorted_tables
    with database.begin() as connection:
        if database.is_sqlite:
            for table in tables:
                connection.execute(delete(table))
            return
        names = ", ".join(f'"{table.name}"' for table in tables)
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
