"""The provider's whole answers, for those that are too large for an event.

Read with the bare drivers: whoever runs the client needs one column of one table, and neither the
worker's tables nor SQLAlchemy.
"""

import sqlite3
from contextlib import closing
from typing import Final

import psycopg

from worker.errors import DatabaseUnavailable

_SELECT: Final = "SELECT answer FROM attempt WHERE operation_id = {0} AND number = {0}"
_SQLITE: Final = "sqlite:///"
#: Seconds.
_PATIENCE: Final = 5


def sealed_answer(database_url: str, operation_id: str, attempt: int) -> str | None:
    """Return an attempt's answer as a Fernet token.

    None: there is no such attempt, it has no answer, or the answer was erased after its retention.
    Takes the addresses that `DATABASE_URL` takes. Raises `DatabaseUnavailable`.
    """
    try:
        if database_url.startswith(_SQLITE):
            row = _from_sqlite(database_url.removeprefix(_SQLITE), operation_id, attempt)
        else:
            row = _from_postgres(database_url, operation_id, attempt)
    except (sqlite3.OperationalError, psycopg.OperationalError) as error:
        raise DatabaseUnavailable(type(error).__name__) from None
    return None if row is None else row[0]


def _from_sqlite(path: str, operation_id: str, attempt: int) -> tuple[str | None] | None:
    # Read only, and never made: a mistyped path must not leave an empty database behind.
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_PATIENCE)) as database:
        found = database.execute(_SELECT.format("?"), (operation_id, attempt))
        row: tuple[str | None] | None = found.fetchone()
        return row


def _from_postgres(url: str, operation_id: str, attempt: int) -> tuple[str | None] | None:
    _, _, rest = url.partition("://")
    with psycopg.connect(f"postgresql://{rest}", connect_timeout=_PATIENCE) as database:
        found = database.execute(_SELECT.format("%s"), (operation_id, attempt))
        row: tuple[str | None] | None = found.fetchone()
        return row
