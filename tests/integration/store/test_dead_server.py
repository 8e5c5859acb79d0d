"""A PostgreSQL that is gone without a word is given up by the kernel, as the connection asks it."""

import os
import socket
import sys

import pytest

from tests.support.schema import bring_to_newest
from tests.support.servers import PostgresServer
from worker.operations.database import Database

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
