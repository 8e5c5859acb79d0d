"""The database: connections that behave alike on SQLite and PostgreSQL, and its clock."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.pool import QueuePool

from worker.errors import DatabaseUnavailable

#: Seconds after which the difference to the database's clock is measured again.
_CALIBRATED_FOR: Final = 10.0
#: Seconds to wait for SQLite's one writer, and for a connection of the pool.
_PATIENCE: Final = 30

#: A server that is gone without a word is given up after twenty seconds, asked or not: without
#: these, libpq waits for hours, and every thread and the heartbeat with it.
_POSTGRES: Final[dict[str, Any]] = {
    "connect_timeout": 5,
    "application_name": "uprid-worker",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}
#: Seconds for which a process may stand still within a transaction. After them the server ends its
#: connection: one whose machine is paused would keep a provider's row from everybody else.
_IDLE_IN_TRANSACTION: Final = 10.0

#: Busy, locked, read-only, I/O error, full, cannot open: primary result codes of SQLite.
_SQLITE_PASSES: Final = frozenset({5, 6, 8, 10, 13, 14})


class Database:
    """One engine, and transactions on it. Safe to share between threads, not across a fork."""

    def __init__(self, url: str, *, connections: int = 32) -> None:
        self.engine = _engine(url, connections)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._clock = _Clock(self._measure)

    def now(self) -> datetime:
        """Return the database's time, to which all workers agree whatever their own clocks say.

        Costs nothing: the difference to this host's monotonic clock is measured now and then.
        """
        return self._clock.now()

    def calibrate(self) -> None:
        """Measure the difference to the database's clock anew."""
        self._clock.calibrate()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that may write; commits at the end, rolls back on an exception.

        Raises `DatabaseUnavailable` where no connection is to be had or it broke.
        """
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads: on SQLite it waits for no writer."""
        with (
            _translated(),
            self.engine.connect().execution_options(read_only=True) as connection,
        ):
            yield connection

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _measure(self) -> datetime:
        if self.is_sqlite:  # an embedded database has no clock but its host's
            return datetime.now(UTC)
        with self.read() as connection:
            measured: datetime = connection.execute(select(text("clock_timestamp()"))).scalar_one()
            return measured


class _Clock:
    """The database's time, carried forward by this host's monotonic clock."""

    def __init__(
        self, measure: Callable[[], datetime], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._measure = measure
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._base: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        base = self._base
        if base is None or self._monotonic() - base[1] > _CALIBRATED_FOR:
            base = self.calibrate()
        return base[0] + timedelta(seconds=self._monotonic() - base[1])

    def calibrate(self) -> tuple[datetime, float]:
        with self._lock:
            before = self._monotonic()
            try:
                measured = self._measure()
            except DatabaseUnavailable:
                if self._base is None:
                    raise
                # The difference of two clocks does not change because the database is away.
                measured = self._base[0] + timedelta(seconds=before - self._base[1])
            self._base = (measured.astimezone(UTC), (before + self._monotonic()) / 2)
            return self._base


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except PoolExhausted:
        raise DatabaseUnavailable("No connection came free.") from None
    except OperationalError as error:
        if not _passes(error.orig):
            raise
        raise DatabaseUnavailable(type(error.orig).__name__) from None
    except DBAPIError as error:
        if error.connection_invalidated:
            raise DatabaseUnavailable(type(error.orig).__name__) from None
        raise


def _passes(error: BaseException | None) -> bool:
    """Tell trouble that passes from a mistake of ours: SQLite calls both operational."""
    if isinstance(error, sqlite3.Error):
        return error.sqlite_errorcode & 0xFF in _SQLITE_PASSES
    return True


def _engine(url: str, connections: int) -> Engine:
    options: dict[str, Any] = {
        # SQLAlchemy's errors would print what was bound: sealed or not, it is nobody's business.
        "hide_parameters": True,
        "poolclass": QueuePool,
        "pool_size": connections,
        "max_overflow": 0,
        "pool_timeout": _PATIENCE,
    }
    if make_url(url).get_backend_name() == "sqlite":
        _make_folder(url)
        engine = create_engine(url, connect_args={"timeout": _PATIENCE}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # No ping before each use: it costs a round trip a transaction, and a connection that broke
    # meanwhile shows itself as `DatabaseUnavailable`, which every caller outlives.
    engine = create_engine(url, connect_args=_POSTGRES, **options)
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def _make_folder(url: str) -> None:
    path = make_url(url).database
    if path and path != ":memory:":
        # What is in the way shows itself as the first connection is made: `DatabaseUnavailable`.
        with suppress(OSError):
            Path(path).parent.mkdir(parents=True, exist_ok=True)


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
    # The driver's own idea of when a transaction begins is switched off: `_begin_sqlite` says it.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # FULL: a submit that was marked as sent must still be marked after a power cut.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA cache_size = -8192")
    cursor.close()


def _prepare_postgres(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
    # Said here, not among libpq's `options`: a pooler in between refuses what it does not know.
    with connection.cursor() as cursor:
        patience = f"{_IDLE_IN_TRANSACTION * 1000:.0f}ms"
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{patience}'")
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails, or loses updates, when another
    # one wrote in between: writers queue from the start.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
