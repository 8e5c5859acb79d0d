"""Databases and brokers for systems that live as long as a module."""

from collections.abc import Iterator

import pytest

from tests.support.engine.schema import bring_to_newest
from tests.support.servers.fresh import PostgresServer, SqliteFiles, ValkeyServer, valkey_server

#: The quick run has whole systems on PostgreSQL, and on SQLite where a module asks for it alone.
BOTH = [
    pytest.param("sqlite", marks=pytest.mark.exhaustive),
    pytest.param("postgres", marks=pytest.mark.postgres),
]


@pytest.fixture(scope="module")
def broker() -> Iterator[ValkeyServer]:
    """A Valkey of the module's own."""
    with valkey_server() as server:
        yield server


@pytest.fixture
def own_broker() -> Iterator[ValkeyServer]:
    """A Valkey of the test's own, to be killed."""
    with valkey_server() as server:
        yield server


@pytest.fixture(scope="module")
def sqlite_url(sqlite: SqliteFiles) -> Iterator[str]:
    """The module's migrated SQLite database."""
    url = sqlite.create_database(bring_to_newest)
    yield url
    sqlite.drop_database(url)


@pytest.fixture(scope="module")
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The module's migrated PostgreSQL database."""
    url = postgres.create_database(bring_to_newest)
    yield url
    postgres.drop_database(url)


@pytest.fixture(scope="module", params=BOTH)
def both_urls(request: pytest.FixtureRequest) -> str:
    """The module's database, of either kind: its tests run twice."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=BOTH)
def databases(request: pytest.FixtureRequest) -> PostgresServer | SqliteFiles:
    """Either source of databases, for a system that lives as long as a test."""
    source: PostgresServer | SqliteFiles = request.getfixturevalue(request.param)
    return source
