"""Reading from the database with the bare drivers.

Whoever runs the client needs a few columns of a few tables, and neither the worker's own code for
them nor SQLAlchemy.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final
from urllib.parse import quote

import psycopg

from worker.errors import DatabaseUnavailable

_SQLITE: Final = "sqlite:///"
#: Seconds.
_PATIENCE: Final = 5

Row = tuple[Any, ...]


def is_sqlite(database_url: str) -> bool:
    """Tell which of the two databases an address is of."""
    return database_url.startswith(_SQLITE)


def look_up(database_url: str, statement: str, parameters: Sequence[object]) -> list[Row]:
    """Return the rows of one query, in which `?` stands for a parameter.

    Takes the addresses that `DATABASE_URL` takes. Raises `DatabaseUnavailable`.
    """
    try:
        if is_sqlite(database_url):
            return _from_sqlite(database_url.removeprefix(_SQLITE), statement, parameters)
        return _from_postgres(database_url, statement, parameters)
    except (sqlite3.OperationalError, psycopg.OperationalError) as error:
        raise DatabaseUnavailable(type(error).__name__) from None


def _from_sqlite(path: str, statement: str, parameters: Sequence[object]) -> list[Row]:
    # Read only, and never made: a mistyped path must not leave an empty database behind.
    uri = f"file:{quote(path)}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE)) as database:
        return database.execute(statement, tuple(parameters)).fetchall()


def _from_postgres(url: str, statement: str, parameters: Sequence[object]) -> list[Row]:
    _, _, rest = url.partition("://")
    with psycopg.connect(f"postgresql://{rest}", connect_timeout=_PATIENCE) as database:
        return database.execute(statement.replace("?", "%s").encode(), parameters).fetchall()
