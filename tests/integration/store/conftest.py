"""The store's statements differ between the databases: its tests run on both, always."""

import pytest

from tests.support.servers.fresh import PostgresServer, SqliteFiles


@pytest.fixture(
    params=[pytest.param("sqlite"), pytest.param("postgres", marks=pytest.mark.postgres)]
)
def databases(request: pytest.FixtureRequest) -> PostgresServer | SqliteFiles:
    """Either source of databases: the test runs twice."""
    source: PostgresServer | SqliteFiles = request.getfixturevalue(request.param)
    return source
