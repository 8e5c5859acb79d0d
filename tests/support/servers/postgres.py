"""A real PostgreSQL for tests: a cluster of its own in a temporary folder, without fsync."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from tests.support.loopback.server import free_port
from tests.support.processes.child import Process, ProcessEnded, environment, start, wait_until
from tests.support.servers.postgres_binaries import Account, account, find_binaries

#: Fills a fresh database, given its URL; run once, later databases are copies.
Prepare = Callable[[str], None]

_ROLE: Final = "uprid"
#: Roles that are let in only by their password, and not at all.
BY_PASSWORD: Final = "by_password"
BARRED: Final = "barred"
_ADMISSION: Final = f"""
host all {BY_PASSWORD} 127.0.0.1/32 scram-sha-256
host all {BARRED} 127.0.0.1/32 reject
"""
_MAX_CONNECTIONS: Final = 200
#: Nothing here outlives the run, so nothing has to reach the disk.
_OPTIONS: Final = (
    "fsync=off",
    "full_page_writes=off",
    "listen_addresses=127.0.0.1",
    f"max_connections={_MAX_CONNECTIONS}",
)
_ALONE: Final = ("wal_level=minimal", "max_wal_senders=0")
_REPLICATED: Final = ("wal_level=replica", "max_wal_senders=4", "hot_standby=on")


class PostgresServer:
    """A running cluster that hands out fresh databases."""

    def __init__(
        self,
        directory: Path,
        binaries: Path,
        runs_as: Account,
        *,
        keeps_commits: bool = False,
        replicated: bool = False,
    ) -> None:
        self._directory = directory
        self._binaries = binaries
        self._runs_as = runs_as
        self._keeps_commits = keeps_commits
        self._replicated = replicated
        self._port = free_port()
        self._process: Process | None = None
        self._made = 0
        self._templates: dict[Prepare, str] = {}

    @property
    def binaries(self) -> Path:
        """Where its programs are."""
        return self._binaries

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return self._port

    @property
    def pid(self) -> int:
        """The server's first process."""
        if self._process is None:
            message = "the server is not running"
            raise ProcessEnded(message)
        return self._process.pid

    def url(self, database: str) -> str:
        """Return the address of a database, as SQLAlchemy takes it."""
        return f"postgresql+psycopg://{_ROLE}@127.0.0.1:{self._port}/{database}"

    def initialize(self) -> None:
        """Make the cluster."""
        process = self._run(
            "initdb",
            *("-D", self._data, "-U", _ROLE, "-A", "trust", "-E", "UTF8"),
            *("--locale=C", "--no-sync"),
        )
        if process.wait(60):
            raise ProcessEnded(process.tail())
        admission = self._data / "pg_hba.conf"
        admission.write_text(_ADMISSION + admission.read_text("utf-8"), "utf-8")

    def copy(self, primary: "PostgresServer") -> None:
        """Make the cluster as a standby of another server, which it follows once it is started."""
        process = self._run(
            "pg_basebackup",
            *("-D", self._data, "-d", primary.url("postgres").replace("+psycopg", "")),
            *("-R", "-X", "stream", "-c", "fast", "--no-sync"),
        )
        if process.wait(60):
            raise ProcessEnded(process.tail())

    def follow(self, primary: "PostgresServer") -> None:
        """Begin anew as the standby of another server, which confirms nothing without this one.

        So nothing that was confirmed is lost when it takes over.
        """
        self._end(signal.SIGQUIT)
        shutil.rmtree(self._data, ignore_errors=True)
        self.copy(primary)
        self.start()
        primary.wait_for_standby()

    def wait_for_standby(self) -> None:
        """Confirm nothing from now on that a standby does not have; return when one is there."""
        with self._connect() as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            wait_until(lambda: _is_followed(connection), 30, "a standby that is waited for")

    def promote(self) -> None:
        """Make a standby take writes."""
        with self._connect() as connection:
            connection.execute("SELECT pg_promote()")

    def start(self) -> None:
        """Start, and return when queries are answered."""
        commits = f"synchronous_commit={'on' if self._keeps_commits else 'off'}"
        given = (*_OPTIONS, *(_REPLICATED if self._replicated else _ALONE), commits)
        options = [part for option in given for part in ("-c", option)]
        process = self._run(
            "postgres",
            *("-D", self._data, "-p", str(self._port), "-k", self._directory),
            *options,
        )
        self._process = process
        wait_until(lambda: self._answers(process), 30, process.tail)

    def stop(self) -> None:
        """End cleanly, without waiting for those who are connected (fast shutdown)."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End as a crash does, but leave no shared memory behind (immediate shutdown)."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        """Stop, if it runs, and start on the same data."""
        self.stop()
        self.start()

    def create_database(self, prepare: Prepare | None = None) -> str:
        """Return the URL of a fresh database: empty, or a copy of what `prepare` made once."""
        if prepare is None:
            return self._create("template1")
        if prepare not in self._templates:
            url = self._create("template1")
            prepare(url)
            self._templates[prepare] = _name(url)
        return self._create(self._templates[prepare])

    def drop_database(self, url: str) -> None:
        """Drop a database, even with connections to it."""
        self._execute("DROP DATABASE {} WITH (FORCE)", _name(url))

    def _end(self, ask: signal.Signals) -> None:
        if self._process is not None:
            self._process.stop(ask=ask)
            self._process = None

    def _create(self, template: str) -> str:
        self._made += 1
        name = f"test_{self._made}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self.url(name)

    def _execute(self, statement: LiteralString, *names: str) -> None:
        with self._connect() as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self._port, user=_ROLE, dbname="postgres", autocommit=True
        )

    def _answers(self, process: Process) -> bool:
        if not process.is_running:
            raise ProcessEnded(process.tail())
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    @property
    def _data(self) -> Path:
        return self._directory / "data"

    def _run(self, program: str, *arguments: str | Path) -> Process:
        return start(
            [self._binaries / program, *arguments],
            log=self._directory / f"{program}.log",
            env={**environment(), "LC_ALL": "C"},
            cwd=self._directory,
            user=self._runs_as.user,
            group=self._runs_as.group,
        )


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _is_followed(connection: psycopg.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
    return found.fetchone() is not None


@contextmanager
def postgres_server(
    *,
    keeps_commits: bool = False,
    replicated: bool = False,
    standby_of: PostgresServer | None = None,
) -> Iterator[PostgresServer]:
    """Run a server of one's own for the time of a `with` block.

    `keeps_commits`: what was committed outlives `kill`, at some cost a commit. `replicated`: it can
    have standbys. `standby_of`: it follows that one, which must be replicated.
    """
    is_replicated = replicated or standby_of is not None
    with spare_server(keeps_commits=keeps_commits, replicated=is_replicated) as server:
        if standby_of is None:
            server.initialize()
        else:
            server.copy(standby_of)
        server.start()
        yield server


@contextmanager
def spare_server(
    *, keeps_commits: bool = False, replicated: bool = True
) -> Iterator[PostgresServer]:
    """Give a server that has no data yet and does not run, such as one that is to `follow`."""
    with TemporaryDirectory(prefix="uprid-postgres-") as made:
        directory = Path(made)
        runs_as = account()
        if runs_as.user is not None and runs_as.group is not None:
            os.chown(directory, runs_as.user, runs_as.group)
        server = PostgresServer(
            directory,
            find_binaries(directory, runs_as),
            runs_as,
            keeps_commits=keeps_commits,
            replicated=replicated,
        )
        try:
            yield server
        finally:
            server.kill()
