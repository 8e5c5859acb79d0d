"""The database: SQLite in memory with the real store on it, in the place of PostgreSQL.

Transactions of several processes run side by side, statement by statement (transactions.py). A
statement raises what PostgreSQL's driver raises (refusals.py), so the product's own translation of
errors runs as with a real server.
"""

import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol, cast

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from tests.harnesses.simulation import refusals
from tests.harnesses.simulation.kernel import Event, Kernel
from tests.harnesses.simulation.sickness import Sickness
from tests.harnesses.simulation.statements import Statements, as_connection
from tests.harnesses.simulation.transactions import Transaction, Transactions
from tests.support.engine.schema import bring_to_newest
from uprid_client.database.address import read_postgres
from worker.store.clock import Clock
from worker.store.database import Database

_ADDRESS: Final = read_postgres("postgresql://uprid@database/uprid")


class Owner(Protocol):
    """The user of a database: a process, or a person at the command line."""

    def effect(self, spot: str) -> None:
        """Let other tasks run. The process may die here."""

    def between(self, spot: str) -> bool:
        """Let other tasks run between two statements, if so drawn. Return whether that happened."""

    def monotonic(self) -> float:
        """Return the seconds of its own clock."""

    def mishap(self) -> bool:
        """Return whether a commit that was just made is not confirmed."""

    def fails(self) -> bool:
        """Return whether the next statement fails."""


class Store:
    """The database itself. One process uses the same one for all its seeds, emptied for each."""

    def __init__(self) -> None:
        engine = create_engine("sqlite://", poolclass=StaticPool, isolation_level="AUTOCOMMIT")
        #: The one connection for all statements. `transactions` decides which transaction is in it.
        self.connection = engine.connect()
        self._raw = cast("sqlite3.Connection", self.connection.connection.driver_connection)
        self._template = _newest()
        self._template.backup(self._raw)
        self.transactions = Transactions(self._raw)
        self.transactions.watch()

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection, with nothing but committed rows in it."""
        self.transactions.lay_aside()
        return self._raw

    def empty(self) -> None:
        """Restore the empty database."""
        self.transactions.reset()
        self._template.backup(self._raw)

    def copy(self) -> sqlite3.Connection:
        """Return a copy of what is committed."""
        kept = sqlite3.connect(":memory:")
        self.raw.backup(kept)
        return kept

    def put_back(self, kept: sqlite3.Connection) -> None:
        """Restore a copy: later commits are lost."""
        kept.backup(self.raw)
        self.transactions.version += 1


def _newest() -> sqlite3.Connection:
    with TemporaryDirectory(prefix="uprid-simulation-") as folder:
        path = Path(folder) / "template.sqlite3"
        bring_to_newest(f"sqlite:///{path}")
        with closing(sqlite3.connect(path)) as found:
            found.execute("PRAGMA journal_mode = DELETE")
            kept = sqlite3.connect(":memory:")
            found.backup(kept)
    return kept


@cache
def store() -> Store:
    """Return this process's database."""
    return Store()


class SimulatedDatabase(Database):
    """One process's view of the database."""

    # The translation of the driver's errors needs an address.
    address = _ADDRESS

    def __init__(
        self,
        kernel: Kernel,
        owner: Owner,
        committed: Callable[[str, Transaction], None],
        sickness: Sickness,
    ) -> None:
        self.is_sqlite = True
        self._kernel = kernel
        self._owner = owner
        self._committed = committed
        self._sickness = sickness
        self._clock = Clock(owner.monotonic)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that may write."""
        spot = _caller()
        with self._translated():
            self._owner.effect(f"begin {spot}")
            with self._transaction(spot) as (transaction, statements):
                yield as_connection(statements)
                self._before_commit(statements)
                store().transactions.commit(transaction)
            self._committed(spot, transaction)
            self._owner.effect(f"committed {spot}")
            # The commit is made. A server that stands still confirms it only later.
            statements.stand_still()
            if self._owner.mishap():
                self._kernel.happened("commit made and not confirmed")
                raise refusals.of("OperationalError")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        spot = _caller()
        with self._translated():
            self._owner.effect(f"read {spot}")
            with self._transaction(spot) as (_, statements):
                yield as_connection(statements)

    def now(self) -> datetime:
        """Return the database's time, measured from time to time."""
        if self._clock.is_due():
            self._clock.measure(self._measure)
        return self._clock.now()

    def measured_now(self, connection: Connection) -> datetime:
        """Return the same time. A measurement here would use up random numbers of the seed."""
        cast("Statements", connection).stand_still()
        return self.now()

    @contextmanager
    def _transaction(self, spot: str) -> Iterator[tuple[Transaction, Statements]]:
        kernel, transactions = self._kernel, store().transactions
        transaction = transactions.begin(spot, Event(kernel))
        statements = Statements(
            kernel, transactions, transaction, self._sickness, store().connection,
            self._owner.between, lambda writes: self._fails(writes=writes),
        )  # fmt: skip
        try:
            statements.stand_still()
            self._sickness.reach()
            kernel.current.within = spot
            yield transaction, statements
        finally:
            kernel.current.within = None
            transactions.roll_back(transaction)

    def _before_commit(self, statements: Statements) -> None:
        statements.hand_on()
        error = self._fails(writes=False)
        if error is not None:
            raise error

    def _fails(self, *, writes: bool) -> Exception | None:
        if not self._owner.fails():
            return None
        error = refusals.drawn(self._kernel.random, writes=writes)
        self._kernel.happened(f"statement fails: {refusals.name_of(error)}")
        return error

    def _measure(self) -> datetime:
        # A real measurement is off by the time of a round trip as well.
        error = self._kernel.random.uniform(-0.01, 0.01)
        return self._kernel.now + timedelta(seconds=error)


def _caller() -> str:
    # Skip this function, the generator and `contextlib`: the next frame wrote `with`.
    frame = sys._getframe(3)
    module = frame.f_globals["__name__"].rpartition(".")[2]
    return f"{module}.{frame.f_code.co_name}"
