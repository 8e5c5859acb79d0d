"""No side waits for one that vanished: neither we for the server, nor others for us."""

import os
import socket
import sys
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import text

from tests.support.engine.schema import bring_to_newest
from tests.support.servers.fresh import PostgresServer
from uprid_client.database.postgres import connection as module
from uprid_client.errors import DatabaseUnavailable
from worker.store import claims
from worker.store.database import Database

pytestmark = pytest.mark.postgres

#: Seconds: about as long as a chunk waits for a database that went away to come back.
_AT_MOST = 30


@pytest.mark.skipif(sys.platform != "linux", reason="the option is Linux's")
def test_connection_is_given_up_soon_when_the_server_is_silent(postgres: PostgresServer) -> None:
    database = Database(postgres.create_database(bring_to_newest))
    try:
        with database.read() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            with socket.socket(fileno=os.dup(raw.fileno())) as wire:

                def option(name: int) -> int:
                    return wire.getsockopt(socket.IPPROTO_TCP, name)

                probed = option(socket.TCP_KEEPIDLE) + (
                    option(socket.TCP_KEEPINTVL) * option(socket.TCP_KEEPCNT)
                )
                unanswered = option(socket.TCP_USER_TIMEOUT) / 1000
                assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    finally:
        database.dispose()

    assert 0 < probed <= _AT_MOST
    assert 0 < unanswered <= _AT_MOST


def test_process_that_stands_still_within_a_transaction_keeps_no_row_from_the_others(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_IN_TRANSACTION", 0.5)
    url = postgres.create_database(bring_to_newest)
    still, another = Database(url), Database(url)
    had = threading.Event()

    def have_another_take_it() -> None:
        _lock(another)
        had.set()

    try:
        _lock(another)
        with pytest.raises(DatabaseUnavailable):
            # Stands still from here on, as a process does whose machine is paused.
            _lock(still, meanwhile=have_another_take_it)
    finally:
        still.dispose()
        another.dispose()

    assert had.is_set()


def _lock(database: Database, meanwhile: Callable[[], None] = lambda: None) -> None:
    with database.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '30s'"))
        claims.lock_provider(connection, "moneta", database.now())
        meanwhile()
