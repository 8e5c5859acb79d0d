"""A real PgBouncer before a test's PostgreSQL, in transaction mode and with few connections."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.support.loopback.server import free_port
from tests.support.processes.child import Process, ProcessEnded, environment, start, wait_until
from tests.support.servers.postgres_binaries import account
from tests.support.servers.real_parts import program

_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 500
query_wait_timeout = 20
ignore_startup_parameters =
"""


class PgBouncer:
    """A running pooler."""

    def __init__(self, port: int, process: Process) -> None:
        self._port = port
        self._process = process

    def before(self, url: str) -> str:
        """Return the address of a server's database by way of the pooler."""
        parts = urlsplit(url)
        user = parts.username or ""
        return urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{self._port}"))


@contextmanager
def pgbouncer(url: str, *, size: int = 3, mode: str = "transaction") -> Iterator[PgBouncer]:
    """Run a pooler before the server of an address; every role comes in without a password."""
    server = urlsplit(url).port
    role = urlsplit(url).username
    found, port, runs_as = program("pgbouncer"), free_port(), account()
    with TemporaryDirectory(prefix="uprid-pgbouncer-") as made:
        directory = Path(made)
        file = directory / "pgbouncer.ini"
        text = _CONFIGURATION.format(server=server, port=port, mode=mode, size=size)
        # Every client connects as the tests' own role.
        file.write_text(text.replace(f"port={server}", f"port={server} user={role}"), "utf-8")
        if runs_as.user is not None and runs_as.group is not None:
            for path in (directory, file):
                os.chown(path, runs_as.user, runs_as.group)
        process = start(
            [found, file],
            log=directory / "pgbouncer.log",
            env=environment(),
            user=runs_as.user,
            group=runs_as.group,
        )
        try:
            bouncer = PgBouncer(port, process)
            wait_until(lambda: _answers(bouncer.before(url), process), 20, process.tail)
            yield bouncer
        finally:
            process.kill9()


def _answers(url: str, process: Process) -> bool:
    if not process.is_running:
        raise ProcessEnded(process.tail())
    try:
        psycopg.connect(url.replace("+psycopg", "")).close()
    except psycopg.OperationalError:
        return False
    return True
