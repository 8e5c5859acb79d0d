"""A transaction's statements, one by one. At each, other tasks may run, and it may fail."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, cast

from sqlalchemy import Connection, CursorResult, Select, Table, TextClause
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from tests.harnesses.simulation import refusals
from tests.harnesses.simulation.errand import Errand
from tests.harnesses.simulation.kernel import Kernel
from tests.harnesses.simulation.sickness import Sickness
from tests.harnesses.simulation.spots import spot_of
from tests.harnesses.simulation.transactions import Blocked, Key, Transaction, Transactions
from uprid_client.database.postgres.connection import IDLE_IN_TRANSACTION
from worker.engine.engine import Engine
from worker.engine.taking import Taker
from worker.store.tables import OPERATIONS, PROVIDERS

#: Seconds by which a wait may end too early, as the clock is not finer.
_TICK: Final = 1e-6
#: Spots that read a provider's shared row to use its tokens.
_PACED: Final = frozenset({spot_of(Taker._take), spot_of(Engine._feed)})


class Statements:
    """What the store uses in the place of its connection."""

    def __init__(
        self,
        kernel: Kernel,
        transactions: Transactions,
        transaction: Transaction,
        sickness: Sickness,
        connection: Connection,
        between: Callable[[str], bool],
        fails: Callable[[bool], Exception | None],
    ) -> None:
        self._kernel = kernel
        self._transactions = transactions
        self._transaction = transaction
        self._sickness = sickness
        self._connection = connection
        self._between = between
        self._fails = fails
        self.dialect = connection.dialect

    def execute(self, statement: Any, parameters: Any = None) -> CursorResult[Any]:  # noqa: ANN401
        """Execute a statement, as a `Connection` does."""
        if self._transaction.failed:
            raise refusals.aborted()
        try:
            return self._taken(statement, parameters)
        except Exception:
            self._transaction.failed = True
            raise

    def _taken(self, statement: Any, parameters: Any) -> CursorResult[Any]:  # noqa: ANN401
        self.hand_on()
        writes = _writes(statement)
        error = self._fails(writes)
        after = error is not None and self._kernel.random.random() < 0.5
        if error is not None and not after:
            raise error
        if writes:
            self._sickness.take_write()
        result = self._waited_for(statement, parameters, writes=writes)
        self.hand_on()
        if error is not None:
            raise error
        if self._transaction.spot in _PACED and _reads(statement, PROVIDERS):
            # From this moment on the code has the row locked.
            errand = self._kernel.current.errand
            if isinstance(errand, Errand):
                errand.row_at = self._kernel.seconds
        return result

    def hand_on(self) -> None:
        """Let other tasks run. Raise if the server ended this transaction meanwhile."""
        transaction = self._transaction
        transaction.idle_since = self._kernel.seconds
        with self._outside():
            if self._between(f"within {transaction.spot}"):
                self._kernel.seen["turn handed on within a transaction"] += 1
        since, transaction.idle_since = transaction.idle_since, None
        if self._kernel.seconds - since > IDLE_IN_TRANSACTION:
            self._transactions.terminate(refusals.IDLE, transaction)
        self.stand_still()
        self._alive()

    def stand_still(self) -> None:
        """Wait as long as the server stands still."""
        if self._sickness.stalled_for > _TICK:
            self._kernel.happened("statement waits for a server that stands still")
            with self._outside():
                while self._sickness.stalled_for > _TICK:
                    self._kernel.sleep(self._sickness.stalled_for)

    def _alive(self) -> None:
        if self._transaction.ended_by is not None:
            raise refusals.of(self._transaction.ended_by)

    def _waited_for(self, statement: Any, parameters: Any, *, writes: bool) -> CursorResult[Any]:  # noqa: ANN401
        while True:
            try:
                return self._executed(statement, parameters, writes=writes)
            except Blocked as blocked:
                self._wait_for(blocked.holder)

    def _executed(self, statement: Any, parameters: Any, *, writes: bool) -> CursorResult[Any]:  # noqa: ANN401
        transaction, transactions = self._transaction, self._transactions
        transactions.enter(transaction)
        with ExitStack() as stack:
            if writes and transactions.others(transaction) and _skips(statement):
                stack.enter_context(transactions.skipping(transaction, OPERATIONS.name))
            table = _locked(statement)
            if writes and table is None:
                stack.enter_context(transactions.noting(transaction))
            result: CursorResult[Any] = self._connection.execute(statement, parameters)
            if result.returns_rows:
                # Fetch all rows now: another task may use the connection before the next row is
                # read.
                cursor: Any = result.cursor
                rows = cursor.fetchall()
                result.cursor_strategy = FullyBufferedCursorFetchStrategy(
                    cursor, initial_buffer=rows
                )
                if table is not None:
                    transactions.lock(transaction, _keys(statement, table, rows))
        return result

    def _wait_for(self, holder: Transaction) -> None:
        """Wait for the transaction that locked a row, as long as the server allows."""
        transaction, kernel = self._transaction, self._kernel
        kernel.happened("statement waits for a row's lock")
        ahead: Transaction | None = holder
        while ahead is not None:
            if ahead is transaction:
                kernel.happened("deadlock")
                raise refusals.of(refusals.DEADLOCK)
            ahead = ahead.waits_for
        # A holder that is not idle may become idle, so check it again by then.
        since = kernel.seconds if holder.idle_since is None else holder.idle_since
        left = max(since + IDLE_IN_TRANSACTION - kernel.seconds, 0.0) + _TICK
        transaction.waits_for = holder
        try:
            with self._outside():
                holder.ended.wait(left)
        finally:
            transaction.waits_for = None
        idle = holder.idle_since
        if idle is not None and kernel.seconds - idle >= IDLE_IN_TRANSACTION:
            kernel.happened("idle transaction ended by its server")
            self._transactions.terminate(refusals.IDLE, holder)
        self.stand_still()
        self._alive()

    @contextmanager
    def _outside(self) -> Iterator[None]:
        """Let other tasks run although a transaction is open."""
        task = self._kernel.current
        task.within, within = None, task.within
        try:
            yield
        finally:
            task.within = within


def as_connection(statements: Statements) -> Connection:
    """Return what the store gets as its connection."""
    return cast("Connection", statements)


def _writes(statement: Any) -> bool:  # noqa: ANN401
    if isinstance(statement, TextClause):
        return not statement.text.lstrip().upper().startswith("SELECT")
    return bool(statement.is_dml) or getattr(statement, "_for_update_arg", None) is not None


def _locked(statement: Any) -> Table | None:  # noqa: ANN401
    """Return the table whose rows a statement selects and locks."""
    wanted = getattr(statement, "_for_update_arg", None)
    if wanted is None:
        return None
    tables = wanted.of or statement.get_final_froms()
    found = tables[0]
    assert isinstance(found, Table)
    return found


def _reads(statement: Any, table: Table) -> bool:  # noqa: ANN401
    return isinstance(statement, Select) and table in statement.get_final_froms()


def _keys(statement: Select[Any], table: Table, rows: list[Any]) -> list[Key]:
    """Return the keys of the selected rows."""
    columns = list(statement.selected_columns)
    places = [columns.index(each) for each in table.primary_key]
    return [(table.name, *(row[place] for place in places)) for row in rows]


def _skips(statement: Any) -> bool:  # noqa: ANN401
    """Return whether a statement skips rows that others have locked."""
    wanted = getattr(statement, "_for_update_arg", None)
    if wanted is not None:
        return bool(wanted.skip_locked)
    where = getattr(statement, "_where_criteria", ())
    return any("chosen" in _names(each) for each in where)


def _names(criterion: Any) -> set[str]:  # noqa: ANN401
    """Return the names of the common table expressions that a criterion selects from."""
    inner = getattr(getattr(criterion, "right", None), "element", None)
    found = inner.get_final_froms() if isinstance(inner, Select) else []
    return {each.name for each in found if hasattr(each, "name")}
