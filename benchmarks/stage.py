"""What all contestants share in one run: endpoint, broker, database, a folder of logs."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import psutil
import redis
import requests
from sqlalchemy import select, text

from benchmarks import meter, rows
from tests.support.engine.schema import bring_to_newest
from tests.support.loopback.server import free_port
from tests.support.processes.child import Process, environment, running, start
from tests.support.servers.fresh import SqliteFiles
from tests.support.servers.postgres import postgres_server
from tests.support.servers.valkey import ValkeyServer, valkey_server
from worker.store.database import Database

DatabaseKind = Literal["postgres", "sqlite"]
ROOT: Final = Path(__file__).parent.parent


class Endpoint:
    """The local endpoint, in its own process."""

    def __init__(self, process: Process, port: int) -> None:
        self.pid = process.pid
        self.url = f"http://127.0.0.1:{port}/services"
        self._control = f"http://127.0.0.1:{port}/control"

    def set_back(self, polls: int, *, keep: bool = False) -> None:
        """Forget what was seen; the answer number `polls` to an asyncId is the result."""
        control = {"polls": polls, "keep": keep}
        requests.post(self._control, json=control, timeout=10).raise_for_status()

    def seen(self) -> dict[str, Any]:
        """Return `polls`, the times of the `first` and `last`, and the kept `arrivals`."""
        seen: dict[str, Any] = requests.get(self._control, timeout=30).json()
        return seen


@dataclass(frozen=True, slots=True)
class Stage:
    """The shared servers of a run."""

    endpoint: Endpoint
    broker: ValkeyServer
    database_url: str
    database: Database
    folder: Path

    @contextmanager
    def process(
        self, name: str, command: list[str], settings: Mapping[str, str]
    ) -> Iterator[Process]:
        """Run one of this project's Python modules with settings of its own.

        It is killed at the end: what it still holds is of no interest any more.
        """
        process = start(
            [sys.executable, "-m", *command],
            log=self.folder / f"{name}.log",
            env=environment(settings),
            cwd=ROOT,
        )
        try:
            yield process
        finally:
            process.kill9()

    def client(self) -> "redis.Redis":
        return self.broker.client()

    def sweep(self) -> None:
        """Forget what contestants left behind that were killed; none may be running."""
        self.broker.flush()
        rows.clear(self.database)

    def broker_memory(self) -> float:
        """Return the broker's `used_memory` in megabytes."""
        with self.client() as client:
            info: dict[str, Any] = client.info("memory")
        return float(info["used_memory"]) / (1024 * 1024)

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds that the shared processes have used so far."""
        pids = {
            "database": _postmaster(self.database),
            "broker": self.broker.pid,
            "endpoint": self.endpoint.pid,
        }
        return {name: 0.0 if pid is None else meter.cpu([pid]) for name, pid in pids.items()}

    def versions(self) -> str:
        """Return what serves, for the table's head."""
        with self.client() as client:
            info: dict[str, Any] = client.info("server")
        broker = f"Valkey {info.get('valkey_version', info['redis_version'])}"
        if self.database.is_sqlite:
            return f"SQLite, {broker}"
        with self.database.read() as connection:
            version = connection.execute(text("SHOW server_version")).scalar_one()
        return f"PostgreSQL {version.split()[0]} (fsync off, as the tests start it), {broker}"


@contextmanager
def set_up(kind: DatabaseKind) -> Iterator[Stage]:
    """Start everything that the contestants share."""
    with (
        TemporaryDirectory(prefix="uprid-bench-") as made,
        valkey_server() as broker,
        _database_url(kind, Path(made)) as url,
        _endpoint(Path(made)) as endpoint,
    ):
        database = Database(url)
        try:
            yield Stage(endpoint, broker, url, database, Path(made))
        finally:
            database.dispose()


@contextmanager
def _database_url(kind: DatabaseKind, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield SqliteFiles(folder).create_database(bring_to_newest)
        return
    with postgres_server() as server:
        yield server.create_database(bring_to_newest)


def _postmaster(database: Database) -> int | None:
    """Return the process that all of PostgreSQL's others descend from; None for SQLite."""
    if database.is_sqlite:
        return None
    with database.read() as connection:
        backend: int = connection.execute(select(text("pg_backend_pid()"))).scalar_one()
    return psutil.Process(backend).ppid()


@contextmanager
def _endpoint(folder: Path) -> Iterator[Endpoint]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.endpoint", str(port)]
    with running(command, log=folder / "endpoint.log", cwd=ROOT) as process:
        process.wait_for_output("ready")
        yield Endpoint(process, port)
