"""How many connections a process holds, and what becomes of it where the server has none left."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from time import monotonic

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url, text

from tests.support.engine.parts import worker_parts
from tests.support.engine.schema import bring_to_newest
from tests.support.servers.fresh import PostgresServer
from tests.support.servers.valkey import ValkeyServer
from uprid_client.errors import DatabaseUnavailable
from worker.process.runtime import BACKGROUND_CONNECTIONS, Runtime
from worker.store.database import Database

pytestmark = pytest.mark.postgres

CONNECTIONS = 8
ROLE = "few"


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    """A migrated database of the test's own: its sessions are counted."""
    made = postgres.create_database(bring_to_newest)
    yield made
    postgres.drop_database(made)


@pytest.fixture
def runtime(url: str, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """A worker's parts, none of them running."""
    settings = {
        "DATABASE_URL": url,
        "UPRID_SEAL_KEYS": Fernet.generate_key().decode(),
        "UPRID_FINGERPRINT_KEY": "f" * 32,
        "UPRID_ENGINE__CONNECTIONS": str(CONNECTIONS),
    }
    with worker_parts(monkeypatch, valkey.url, settings) as made:
        yield made


@pytest.fixture
def limited(url: str) -> Iterator[tuple[Database, Database]]:
    """The database as its owner, and as a role that may have one connection."""
    as_role = make_url(url).set(username=ROLE).render_as_string(hide_password=False)
    owner, role = Database(url), Database(as_role, connections=2)
    with owner.begin() as connection:
        connection.execute(text(f"CREATE ROLE {ROLE} LOGIN CONNECTION LIMIT 1"))
    try:
        yield owner, role
    finally:
        role.dispose()
        with owner.begin() as connection:
            connection.execute(text(f"DROP ROLE {ROLE}"))
        owner.dispose()


def sessions(database: Database) -> int:
    """Return how many connections the process has, this one among them."""
    with database.read() as connection:
        count: int = connection.execute(
            text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'uprid-worker'"
            )
        ).scalar_one()
    return count


def test_heart_beats_while_chunks_hold_every_connection_of_theirs(runtime: Runtime) -> None:
    with ExitStack() as held:
        for _ in range(CONNECTIONS - BACKGROUND_CONNECTIONS):
            held.enter_context(runtime.database.read())
        runtime.incarnation.beat()
        runtime.sweep.tidy()

    assert runtime.incarnation.halted(monotonic()) is None


def test_process_never_holds_more_connections_than_it_is_given(runtime: Runtime) -> None:
    def work(_: int) -> int:
        return sessions(runtime.database)

    begun = Barrier(BACKGROUND_CONNECTIONS)

    def background(_: int) -> None:
        with runtime.background.read():
            begun.wait(60)

    with ThreadPoolExecutor(5 * CONNECTIONS) as pool:
        beside = pool.map(background, range(BACKGROUND_CONNECTIONS))
        counts = list(pool.map(work, range(20 * CONNECTIONS)))
        list(beside)

    assert max(counts) <= CONNECTIONS
    assert sessions(runtime.database) > BACKGROUND_CONNECTIONS


def test_server_without_a_connection_left_is_waited_for(
    limited: tuple[Database, Database],
) -> None:
    _, role = limited

    with role.read() as first:
        with pytest.raises(DatabaseUnavailable, match="53300"), role.read():
            pass
        # Who is in stays in.
        assert first.execute(text("SELECT 1")).scalar_one() == 1
    with role.read() as again:
        assert again.execute(text("SELECT 1")).scalar_one() == 1
