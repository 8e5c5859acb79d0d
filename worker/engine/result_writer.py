"""The result writer: writes what a chunk learned, through outages of the database.

It waits for a database that is away. Where the database refuses one row, it writes the others.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final, Protocol, TypeVar

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from uprid_client.errors import DatabaseUnavailable
from worker.domain.ids import new_id
from worker.engine.environment import Environment
from worker.store import writeback
from worker.store.changes import Transition, Unchanged
from worker.store.claims import ClaimedSnapshot
from worker.store.database import Database

log = structlog.get_logger(__name__)

T = TypeVar("T")

#: Seconds that a write-back waits for a database that went away, while its leases are kept alive.
PATIENCE: Final = 60.0


class Pausing(Protocol):
    """Waits on behalf of the process."""

    def pause(self, seconds: float) -> None:
        """Wait a moment, shorter where the process is stopping."""


class ResultWriter:
    """Writes for one process. Raises the database's error where waiting did not help."""

    def __init__(self, database: Database, waiting: Pausing, environment: Environment) -> None:
        self._database = database
        self._waiting = waiting
        self._environment = environment

    def write(
        self,
        lease_id: str,
        unchanged: Sequence[Unchanged],
        transitions: Sequence[Transition],
        now: datetime,
    ) -> dict[str, bool]:
        """Write a chunk's changes back.

        Returns the ids that were ours to write, and whether each is wanted at once.
        """
        rows = len(unchanged) + len(transitions)
        return self._patiently(rows, lambda: self._write(lease_id, unchanged, transitions, now))

    def refused(self, lease_id: str, row: ClaimedSnapshot, error: Exception) -> None:
        """Free an operation whose answer cannot be written: refused again and again, it parks."""
        self._patiently(1, partial(self._let_go, lease_id, row.id))
        # Without the error's text, which may hold values.
        name = type(error).__name__
        log.error("write_refused", operation=row.id, attempt=row.attempt, error=name)

    def write_late_answers(self, late: Sequence[Transition], now: datetime) -> None:
        """Journal and publish answers that lost their lease, or came after the end."""
        for transition in late:
            row = transition.snapshot
            write = partial(self._late, transition, now, new_id())
            try:
                news = self._patiently(1, write)
            except Exception as error:
                if _is_outage(error):
                    raise
                log.error("late_answer_refused", operation=row.id, error=type(error).__name__)  # noqa: TRY400 - the error's text may hold values
                continue
            if news:
                log.warning("late_answer", operation=row.id, state=transition.state)

    def _patiently(self, rows: int, write: Callable[[], T]) -> T:
        """Write; wait for a database that went away, because answers cost money."""
        give_up = self._environment.monotonic() + PATIENCE
        while True:
            try:
                return write()
            except Exception as error:
                if not _is_outage(error) or self._environment.monotonic() > give_up:
                    raise
                log.warning("write_back_waits", rows=rows, error=type(error).__name__)
                self._waiting.pause(1.0)

    def _write(
        self,
        lease_id: str,
        unchanged: Sequence[Unchanged],
        transitions: Sequence[Transition],
        now: datetime,
    ) -> dict[str, bool]:
        try:
            with self._database.begin() as connection:
                return writeback.write_unchanged(
                    connection, lease_id, unchanged
                ) | writeback.write_transitions(connection, lease_id, transitions, now)
        except Exception as error:
            if _is_outage(error):
                raise
            return self._one_by_one(lease_id, unchanged, transitions, now)

    def _one_by_one(
        self,
        lease_id: str,
        unchanged: Sequence[Unchanged],
        transitions: Sequence[Transition],
        now: datetime,
    ) -> dict[str, bool]:
        """Write the rows one by one, so that only the row that the database refuses is left out."""
        written: dict[str, bool] = {}
        for one_unchanged, one_transition in [
            *(([s], []) for s in unchanged),
            *(([], [m]) for m in transitions),
        ]:
            try:
                with self._database.begin() as connection:
                    written |= writeback.write_unchanged(connection, lease_id, one_unchanged)
                    written |= writeback.write_transitions(
                        connection, lease_id, one_transition, now
                    )
            except Exception as error:
                if _is_outage(error):
                    raise
                self.refused(lease_id, (one_unchanged or one_transition)[0].snapshot, error)
        return written

    def _let_go(self, lease_id: str, operation_id: str) -> None:
        with self._database.begin() as connection:
            writeback.let_go(connection, lease_id, operation_id)

    def _late(self, transition: Transition, now: datetime, event_id: str) -> bool:
        with self._database.begin() as connection:
            return writeback.write_late(connection, transition, now, event_id)


def _is_outage(error: Exception) -> bool:
    """Return whether an error comes from the database, and not from the row.

    The database refuses a second end, and what no column holds; what cannot even be bound is no
    error of the driver. All else that a driver can raise says nothing of the row: it is waited for,
    be it of a class that has not been met yet.
    """
    if isinstance(error, DBAPIError):
        return not isinstance(error, IntegrityError | DataError)
    return isinstance(error, DatabaseUnavailable)
