"""Transactions side by side on one SQLite: each sees committed rows and its own changes.

This is READ COMMITTED as PostgreSQL has it, statement by statement. SQLite holds only one open
transaction at a time. The others are set aside: their rows are saved, rolled back, and written
again before their next statement. No other transaction can have changed these rows meanwhile,
because they are locked.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.harnesses.simulation.kernel import Event

#: The key of a row: its table and its primary key.
Key = tuple[Any, ...]

#: Tables that the simulation writes, with their primary keys.
_TABLES: Final = {
    "access_token": ("name",),
    "attempt": ("operation_id", "number"),
    "incarnation": ("id",),
    "input": ("id",),
    "journal": ("id",),
    "lock": ("name",),
    "notice": ("provider", "key"),
    "operation": ("id",),
    "outbox": ("seq",),
    "provider": ("name",),
    "refusal": ("message_id",),
    "stream": ("name",),
}
#: Tables numbered by a sequence: a number is never used again, even after a rollback.
_NUMBERED: Final = {"journal": "id", "outbox": "seq"}
#: Unique columns beside primary keys. Two transactions that insert the same value wait for each
#: other.
_UNIQUE: Final = {
    "operation": (("reference",),),
    "input": (("operation_id", "attempt", "fingerprint"), ("operation_id", "message_id")),
}
#: Stands in the place of a primary key if a value is locked, not a row.
_NO_ROW: Final = object()


@dataclass(eq=False)
class Transaction:
    """An open transaction."""

    #: Where the code opened it.
    spot: str
    ended: Event
    #: The rows that it wrote, in their order.
    touched: dict[Key, None] = field(default_factory=dict)
    locks: set[Key] = field(default_factory=set)
    waits_for: "Transaction | None" = None
    #: Since when it waits for its client, in seconds. None: a statement is being executed.
    idle_since: float | None = None
    #: The SQLSTATE with which the server ended it.
    ended_by: str | None = None
    #: Whether a statement failed. Then only a rollback is accepted.
    failed: bool = False
    #: Its rows, while it is set aside.
    aside: list[tuple[Key, Sequence[Any] | None]] = field(default_factory=list)


class Blocked(Exception):
    """A statement needs a row that another transaction has locked."""

    def __init__(self, holder: Transaction) -> None:
        super().__init__()
        self.holder = holder


class Transactions:
    """The open transactions of one SQLite connection."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._resident: Transaction | None = None
        self._open: list[Transaction] = []
        self._locks: dict[Key, Transaction] = {}
        self._noting = False
        self._noted: dict[Key, None] = {}
        self._numbers: dict[str, int] = dict.fromkeys(_NUMBERED, 0)
        self._columns: dict[str, int] = {}
        #: Counts the commits that wrote something.
        self.version = 0
        raw.create_function("noted", -1, self._note)
        raw.create_function("next_number", 1, self._next_number)

    def watch(self) -> None:
        """Create the triggers that note every written row. Called once, when the tables exist."""
        for table, columns in _TABLES.items():
            new = ", ".join(f"NEW.{column}" for column in columns)
            old = ", ".join(f"OLD.{column}" for column in columns)
            bodies = {
                "INSERT": f"SELECT noted('{table}', {new});",
                "UPDATE": f"SELECT noted('{table}', {old}), noted('{table}', {new});",
                "DELETE": f"SELECT noted('{table}', {old});",
            }
            if table in _NUMBERED:
                key = _NUMBERED[table]
                bodies["INSERT"] = (
                    f"UPDATE {table} SET {key} = next_number('{table}')"  # noqa: S608 - constants
                    f" WHERE {key} = NEW.{key} AND next_number('') > 0;"
                )
                # A number changes only right after the insert, and no row had the first one: note
                # the new one.
                bodies["UPDATE"] = f"SELECT noted('{table}', {new});"
            for event, body in bodies.items():
                self._raw.execute(
                    f"CREATE TEMP TRIGGER see_{event}_{table} AFTER {event} ON main.{table}"
                    f" BEGIN {body} END"
                )
            found = self._raw.execute(f"PRAGMA table_info({table})").fetchall()
            self._columns[table] = len(found)

    def reset(self) -> None:
        """Forget all transactions."""
        self.lay_aside()
        self._open.clear()
        self._locks.clear()
        self._numbers = dict.fromkeys(_NUMBERED, 0)
        self.version = 0

    def begin(self, spot: str, ended: Event) -> Transaction:
        """Open a transaction. `ended` is set when it is over."""
        transaction = Transaction(spot, ended)
        self._open.append(transaction)
        return transaction

    def enter(self, transaction: Transaction) -> None:
        """Put a transaction into SQLite."""
        if self._resident is transaction:
            return
        self.lay_aside()
        self._raw.execute("BEGIN")
        self._resident = transaction
        for key, row in transaction.aside:
            self._put(key, row)

    def lay_aside(self) -> None:
        """Take the open transaction out of SQLite, so that only committed rows are in it."""
        resident, self._resident = self._resident, None
        if resident is not None:
            resident.aside = [(key, self._row(key)) for key in resident.touched]
            self._raw.execute("ROLLBACK")

    def commit(self, transaction: Transaction) -> None:
        """Commit."""
        self.enter(transaction)
        self._resident = None
        self._raw.execute("COMMIT")
        self.version += bool(transaction.touched)
        self._end(transaction)

    def roll_back(self, transaction: Transaction) -> None:
        """Roll back."""
        if self._resident is transaction:
            self._resident = None
            self._raw.execute("ROLLBACK")
        self._end(transaction)

    def terminate(self, sqlstate: str, transaction: Transaction | None = None) -> int:
        """End one transaction or all, even in the middle of a statement; return how many."""
        ended = [*self._open] if transaction is None else [transaction]
        for each in ended:
            each.ended_by = sqlstate
            self.roll_back(each)
        return len(ended)

    def others(self, transaction: Transaction) -> bool:
        """Return whether another transaction is open."""
        return self._open != [transaction]

    @contextmanager
    def noting(self, transaction: Transaction) -> Iterator[None]:
        """Note and lock the rows that a statement writes. `Blocked`: it has written nothing."""
        self.enter(transaction)
        alone = not self.others(transaction)
        if not alone:
            self._raw.execute("SAVEPOINT statement")
        self._noted, self._noting = {}, True
        try:
            yield
            self._noting = False
            wanted = [*self._noted, *self._unique(self._noted)]
            if not alone:
                self._demand(transaction, wanted)
        except BaseException:
            self._noting = False
            if not alone and self._resident is transaction:
                self._raw.execute("ROLLBACK TO statement")
            raise
        finally:
            self._noting = False
            if not alone and self._resident is transaction:
                self._raw.execute("RELEASE statement")
        transaction.touched.update(self._noted)
        self._lock(transaction, wanted)

    def lock(self, transaction: Transaction, keys: list[Key]) -> None:
        """Lock rows that a transaction selected."""
        self._demand(transaction, keys)
        self._lock(transaction, keys)

    @contextmanager
    def skipping(self, transaction: Transaction, table: str) -> Iterator[None]:
        """Hide rows that others have locked from a statement."""
        self.enter(transaction)
        hidden = [
            (key, row)
            for key, holder in self._locks.items()
            if key[0] == table and holder is not transaction and key[1] != _NO_ROW
            and (row := self._row(key)) is not None
        ]  # fmt: skip
        for key, _ in hidden:
            self._put(key, None)
        try:
            yield
        finally:
            if self._resident is transaction:
                for key, row in hidden:
                    self._put(key, row)

    def _demand(self, transaction: Transaction, keys: list[Key]) -> None:
        for key in keys:
            holder = self._locks.get(key, transaction)
            if holder is not transaction:
                raise Blocked(holder)

    def _lock(self, transaction: Transaction, keys: list[Key]) -> None:
        transaction.locks.update(keys)
        self._locks.update(dict.fromkeys(keys, transaction))

    def _unique(self, noted: dict[Key, None]) -> Iterator[Key]:
        for key in noted:
            for columns in _UNIQUE.get(key[0], ()):
                where = _where(key[0])
                found = self._raw.execute(
                    f"SELECT {', '.join(columns)} FROM {key[0]} WHERE {where}",  # noqa: S608 - constants
                    key[1:],
                ).fetchone()
                if found is not None and None not in found:
                    yield (key[0], _NO_ROW, columns, *found)

    def _end(self, transaction: Transaction) -> None:
        if transaction not in self._open:
            return
        self._open.remove(transaction)
        for key in transaction.locks:
            del self._locks[key]
        transaction.locks.clear()
        transaction.ended.set()

    def _row(self, key: Key) -> Sequence[Any] | None:
        found: Sequence[Any] | None = self._raw.execute(
            f"SELECT * FROM {key[0]} WHERE {_where(key[0])}",  # noqa: S608 - constants
            key[1:],
        ).fetchone()
        return found

    def _put(self, key: Key, row: Sequence[Any] | None) -> None:
        """Restore a row."""
        self._raw.execute(
            f"DELETE FROM {key[0]} WHERE {_where(key[0])}",  # noqa: S608 - constants
            key[1:],
        )
        if row is not None:
            values = ", ".join("?" * self._columns[key[0]])
            self._raw.execute(
                f"INSERT INTO {key[0]} VALUES ({values})",  # noqa: S608 - constants
                row,
            )

    def _note(self, *key: Any) -> None:
        if self._noting:
            self._noted[key] = None

    def _next_number(self, table: str) -> int:
        # An empty name asks whether numbers are given at present. They are not while rows are
        # restored.
        if not table:
            return int(self._noting)
        self._numbers[table] += 1
        return self._numbers[table]


def _where(table: str) -> str:
    return " AND ".join(f"{column} = ?" for column in _TABLES[table])
