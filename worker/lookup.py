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

from config.database_address import SQLITE, PostgresAddress, is_sqlite, read_postgres
from worker.domain.errors import DatabaseUnavailable
from worker.store import sqlite_errors
from worker.store.postgres.connection import beginning, connect
from worker.store.postgres.refusals import why_failed

#: Seconds.
_PATIENCE: Final = 5

Row = tuple[Any, ...]


def look_up(database_url: str, statement: str, parameters: Sequence[object]) -> list[Row]:
    """Return the rows of one query, in which `?` stands for a parameter.

    Takes the addresses that `DATABASE_URL` takes. Raises `DatabaseUnavailable`.
    """
    if is_sqlite(database_url):
        return _from_sqlite(database_url.strip().removeprefix(SQLITE), statement, parameters)
    return _from_postgres(read_postgres(database_url), statement, parameters)


def _from_sqlite(path: str, statement: str, parameters: Sequence[object]) -> list[Row]:
    # Read only, and never made: a mistyped path must not leave an empty database behind.
    uri = f"file:{quote(path)}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE)) as database:
            return database.execute(statement, tuple(parameters)).fetchall()
    except sqlite3.Error as error:
        known = sqlite_errors.why_failed(error)
        raise known or DatabaseUnavailable(type(error).__name__) from None


def _from_postgres(
    address: PostgresAddress, statement: str, parameters: Sequence[object]
) -> list[Row]:
    with closing(connect(address)) as database:
        begin = beginning(address.schema, database.info.server_version, writes=False)
        try:
            database.execute(begin.encode())
            return database.execute(statement.replace("?", "%s").encode(), parameters).fetchall()
        except psycopg.Error as error:
            raise why_failed(error, address) or error from None
