"""What every test may ask for: servers that the run starts itself, and an empty environment."""

import os
from collections.abc import Iterator

import pytest

from tests.support.processes import SETTING_PREFIXES
from tests.support.servers import (
    PostgresServer,
    Prepare,
    SqliteFiles,
    ValkeyServer,
    postgres_server,
    valkey_server,
)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the developer's own settings: no test meets a real broker, database or provider."""
    for name in tuple(os.environ):
        if name.startswith(SETTING_PREFIXES):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def shared_valkey() -> Iterator[ValkeyServer]:
    """The run's Valkey. Tests ask for `valkey`, which is this one, emptied."""
    with valkey_server() as server:
        yield server


@pytest.fixture
def valkey(shared_valkey: ValkeyServer) -> ValkeyServer:
    """An empty Valkey. A test that stops, kills or configures it takes one of its own:
    `with valkey_server() as server`.
    """
    shared_valkey.flush()
    return shared_valkey


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The run's PostgreSQL. Fails, and never skips, where none can be run."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    """The run's SQLite files."""
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def prepare_database() -> Prepare | None:
    """What `database_url` holds from the start: nothing. A folder's conftest may override this
    with a function that takes a URL (such as the migrations); it then runs once a session.
    """
    return None


@pytest.fixture(
    params=[pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]
)
def database_url(request: pytest.FixtureRequest, prepare_database: Prepare | None) -> Iterator[str]:
    """A fresh database's URL. The test runs twice: on SQLite and on PostgreSQL."""
    server: PostgresServer | SqliteFiles = request.getfixturevalue(request.param)
    url = server.create_database(prepare_database)
    yield url
    server.drop_database(url)
