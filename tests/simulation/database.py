"""The database: SQLite in memory, and the real store on it. Turns end around transactions.

So transactions are serial here: what two of them do to each other on PostgreSQL is the business of
tests/integration/store/test_races.py.
"""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, cast

from sqlalchemy import Connection

from tests.simulation.kernel import Kernel
from tests.support.schema import bring_to_newest
from worker.errors import DatabaseUnavailable
from worker.operations import database as real
from worker.operations.clock import Clock
from worker.operations.database import Database


class Owner(Protocol):
    """Who uses a database: a process, or somebody with a command line."""

    def effect(self, spot: str) -> None:
        """Hand the turn on; the process may die here."""

    def monotonic(self) -> float:
        """Return its own clock's seconds."""

    def mishap(self) -> bool:
        """Tell whether a commit that was just made is not confirmed."""


class Store:
    """The database itself, one for all seeds of a process: emptied for each."""

    def __init__(self) -> None:
        self.engine = real._engine("sqlite://", 1)
        self._connection = self.engine.raw_connection()
        self.raw = cast("sqlite3.Connection", self._connection.driver_connection)
        self._connection.close()
        with TemporaryDirectory(prefix="uprid-simulation-") as folder:
            path = Path(folder) / "template.sqlite3"
            bring_to_newest(f"sqlite:///{path}")
            with closing(sqlite3.connect(path)) as found:
                found.execute("PRAGMA journal_mode = DELETE")
            self._template = sqlite3.connect(path)
            kept = sqlite3.connect(":memory:")
            self._template.backup(kept)
            self._template.close()
            self._template = kept

    def empty(self) -> None:
        """Begin anew."""
        self._template.backup(self.raw)


@cache
def store() -> Store:
    """Return this process's database."""
    return Store()


class SimulatedDatabase(Database):
    """One process's view of the database."""

    def __init__(
        self, kernel: Kernel, owner: Owner, committed: Callable[[str], None], away: "Away"
    ) -> None:
        self.engine = store().engine
        self.is_sqlite = True
        self._kernel = kernel
        self._owner = owner
        self._committed = committed
        self._away = away
        self._clock = Clock(owner.monotonic)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that may write."""
        spot = _caller()
        self._owner.effect(f"begin {spot}")
        self._away.reach()
        self._kernel.within = spot
        try:
            with super().begin() as connection:
                yield connection
        finally:
            self._kernel.within = None
        self._committed(spot)
        self._owner.effect(f"committed {spot}")
        if self._owner.mishap():
            self._kernel.say("unconfirmed", spot)
            raise DatabaseUnavailable

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        self._owner.effect(f"read {_caller()}")
        self._away.reach()
        self._kernel.within = "read"
        try:
            with super().read() as connection:
                yield connection
        finally:
            self._kernel.within = None

    def now(self) -> datetime:
        """Return the database's time, measured now and then."""
        if self._clock.is_due():
            self._clock.measure(self._measure)
        return self._clock.now()

    def measured_now(self, connection: Connection) -> datetime:
        """Return the same: a seed's chance is not to be spent on one clock."""
        del connection
        return self.now()

    @contextmanager
    def _opened(self, connection: Connection) -> Iterator[None]:
        del connection
        yield

    def _measure(self) -> datetime:
        # A round trip's worth of error, as when a real one is asked.
        error = self._kernel.random.uniform(-0.01, 0.01)
        return self._kernel.now + timedelta(seconds=error)


class Away:
    """Whether the database can be reached."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.until = 0.0

    def reach(self) -> None:
        """Raise where it cannot."""
        if self._kernel.seconds < self.until:
            raise DatabaseUnavailable


def _caller() -> str:
    # The generator, `contextlib`, and whoever wrote `with`.
    frame = sys._getframe(3)
    module = frame.f_globals["__name__"].rpartition(".")[2]
    return f"{module}.{frame.f_code.co_name}"
