"""Reading from the database with the bare drivers.

The client needs a few columns of a few tables, and neither the worker's own code for them nor
SQLAlchemy.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final
from urllib.parse import quote

from uprid_client.database import sqlite_errors
from uprid_client.database.address import SQLITE, is_sqlite, read_postgres
from uprid_client.errors import DatabaseUnavailable

#: Seconds.
_PATIENCE: Final = 5
_NO_DRIVER: Final = "Its driver is not installed: pip install 'psycopg[binary]'."

Row = tuple[Any, ...]


def look_up(database_url: str, statement: str, parameters: Sequence[object]) -> list[Row]:
    """Return the rows of one query, in which `?` stands for a parameter.

    Takes the addresses that `DATABASE_URL` takes. Raises `DatabaseUnavailable`.
    """
    if is_sqlite(database_url):
        return _from_sqlite(database_url.strip().removeprefix(SQLITE), statement, parameters)
    return _from_postgres(database_url, statement, parameters)


def _from_sqlite(path: str, statement: str, parameters: Sequence[object]) -> list[Row]:
    # Read only, and never made: a mistyped path must not leave an empty database behind.
    uri = f"file:{quote(path)}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE)) as database:
            return database.execute(statement, tuple(parameters)).fetchall()
    except sqlite3.Error as error:
        known = sqlite_errors.why_failed(error)
        raise known or DatabaseUnavailable(type(error).__name__) from None


def _from_postgres(address: str, statement: str, parameters: Sequence[object]) -> list[Row]:
    try:
        # Only here: who reads nothing from PostgreSQL needs no driver for it.
        from uprid_client.database.postgres.reading import rows_of  # noqa: PLC0415
    except ModuleNotFoundError:
        raise DatabaseUnavailable(_NO_DRIVER) from None
    return rows_of(read_postgres(address), statement, parameters)
