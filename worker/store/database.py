"""The database: connections that behave alike on SQLite and PostgreSQL, and its clock."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.pool import QueuePool

from uprid_client.database import sqlite_errors
from uprid_client.database.address import PostgresAddress, read_postgres
from uprid_client.database.postgres.connection import beginning, connect
from uprid_client.database.postgres.refusals import why_failed
from uprid_client.database.postgres.sqlstates import Lost, meaning
from uprid_client.errors import DatabaseUnavailable
from worker.store.clock import Clock

#: What a transaction may raise because of the database, even of a class that we have not met yet.
DATABASE_ERRORS: Final = (DatabaseUnavailable, SQLAlchemyError)

#: Seconds to wait for SQLite's one writer, and for a connection of the pool.
_PATIENCE: Final = 30

#: Several statements go in one message only where they are sent without parameters.
_WITHOUT_PARAMETERS: Final = {"no_parameters": True}


class Database:
    """One engine, and transactions on it. Safe to share between threads, not across a fork."""

    #: None: SQLite.
    address: PostgresAddress | None = None

    def __init__(self, url: str, *, connections: int = 32) -> None:
        if not url.startswith("sqlite"):
            self.address = read_postgres(url)
        self.engine = _engine(url, connections)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._clock = Clock()
        #: How many transactions the current thread has open.
        self._open = threading.local()

    def now(self) -> datetime:
        """Return the database's time, which all workers share: their own clocks differ.

        Costs nothing but now and then: the difference to this host's monotonic clock is measured on
        a connection that is there for a transaction anyway, or on one of its own outside of any.
        """
        if self._clock.is_due() and not self._within:
            self._catch_up()
        return self._clock.now()

    def measured_now(self, connection: Connection) -> datetime:
        """Return the database's time, measured anew on this connection."""
        self._calibrate_on(connection)
        return self._clock.now()

    def calibrate(self) -> None:
        """Measure the difference to the database's clock anew.

        Raises `DatabaseUnavailable` only where it was never measured.
        """
        self._clock.expire()
        self._catch_up()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that may write; commits at the end, rolls back on an exception.

        Raises `DatabaseUnavailable` where no connection is to be had or it broke, and
        `DatabaseRefused` where the server will not have us do this.
        """
        with self._translated(), self.engine.begin() as connection, self._opened(connection):
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads: on SQLite it waits for no writer."""
        with (
            self._translated(),
            self.engine.connect().execution_options(read_only=True) as connection,
            self._opened(connection),
        ):
            yield connection

    def dispose(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the driver's errors into ours, except those that are bugs of ours."""
        try:
            yield
        except PoolExhausted:
            raise DatabaseUnavailable("No connection came free.") from None
        except DBAPIError as error:
            found = self._why(error)
            if found is None:
                raise
            raise found from None

    def _why(self, error: DBAPIError) -> DatabaseUnavailable | None:
        original = error.orig
        if isinstance(original, psycopg.Error) and self.address is not None:
            found = why_failed(original, self.address)
            if found is not None:
                return found
        elif isinstance(original, sqlite3.Error):
            return sqlite_errors.why_failed(original)
        if error.connection_invalidated:
            return DatabaseUnavailable(type(original).__name__)
        return None

    @property
    def _within(self) -> bool:
        """Whether this thread has a transaction open: it must not wait for a second connection."""
        return getattr(self._open, "count", 0) > 0

    def _catch_up(self) -> None:
        try:
            with self.read():
                pass  # a transaction that begins measures what is due
        except DATABASE_ERRORS:
            # The difference of two clocks does not change because the database is away.
            if not self._clock.is_set:
                raise
            self._clock.put_off()

    @contextmanager
    def _opened(self, connection: Connection) -> Iterator[None]:
        if self._clock.is_due():
            self._calibrate_on(connection)
        self._open.count = getattr(self._open, "count", 0) + 1
        try:
            yield
        finally:
            self._open.count -= 1

    def _calibrate_on(self, connection: Connection) -> None:
        # Only the question itself is timed, and not what it took to get a connection.
        self._clock.measure(lambda: self._asked(connection))

    def _asked(self, connection: Connection) -> datetime:
        if self.is_sqlite:  # an embedded database has no clock but its host's
            return datetime.now(UTC)
        measured: datetime = connection.execute(select(text("clock_timestamp()"))).scalar_one()
        return measured


def _engine(url: str, connections: int) -> Engine:
    options: dict[str, Any] = {
        # SQLAlchemy's errors would print what was bound: sealed or not, it must not be shown.
        "hide_parameters": True,
        "poolclass": QueuePool,
        "pool_size": connections,
        "max_overflow": 0,
        "pool_timeout": _PATIENCE,
    }
    if url.startswith("sqlite"):
        _make_folder(url)
        engine = create_engine(url, connect_args={"timeout": _PATIENCE}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return _postgres_engine(read_postgres(url), options)


def _postgres_engine(address: PostgresAddress, options: dict[str, Any]) -> Engine:
    # No ping before each use: it costs a round trip a transaction, and a connection that broke
    # meanwhile shows itself as `DatabaseUnavailable`, which every caller outlives.
    known: dict[tuple[int, bool], str] = {}

    def fresh() -> Any:  # noqa: ANN401 - a DBAPI connection
        raw = connect(address)
        if not known:
            # SQLAlchemy asks the first one about the server: under our parameters as well.
            first = beginning(address.schema, raw.info.server_version, writes=False)
            raw.execute(first.encode())
        return raw

    engine = create_engine(_nominal(address), creator=fresh, use_native_hstore=False, **options)

    def begin(connection: Connection) -> None:
        raw: Any = connection.connection.dbapi_connection
        version: int = raw.info.server_version
        writes = not connection.get_execution_options().get("read_only", False)
        if (version, writes) not in known:
            known[version, writes] = beginning(address.schema, version, writes=writes)
        connection.exec_driver_sql(known[version, writes], execution_options=_WITHOUT_PARAMETERS)

    # After SQLAlchemy's own; costs nothing where nothing was begun.
    event.listen(engine, "connect", lambda raw, _record: raw.rollback())
    event.listen(engine, "begin", begin)
    event.listen(engine, "handle_error", _discard)
    return engine


def _nominal(address: PostgresAddress) -> URL:
    """Return the address as SQLAlchemy shows it; connections are made without it."""
    given = address.parameters
    # Several hosts are left out: SQLAlchemy wants a port beside each of them, libpq does not.
    alone = len(address.hosts) == 1
    taken = {"user", "password", "dbname", "host", "port"}
    return URL.create(
        "postgresql+psycopg",
        username=given.get("user"),
        password=given.get("password"),
        host=given.get("host") if alone else None,
        port=int(given["port"]) if alone and "port" in given else None,
        database=given.get("dbname"),
        query={name: value for name, value in given.items() if name not in taken},
    )


def _discard(context: ExceptionContext) -> None:
    """Have what an error spoilt be closed: a connection, or all that are as old."""
    found = meaning(getattr(context.original_exception, "sqlstate", None))
    if found is not None and found.lost is not Lost.NOTHING:
        context.is_disconnect = True
        context.invalidate_pool_on_disconnect = found.lost is Lost.POOL


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


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails, or loses updates, when another
    # one wrote in between: writers queue from the start.
    read_only = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
