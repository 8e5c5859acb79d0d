"""One query of a PostgreSQL database, in a transaction and on a connection of its own."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import psycopg

from uprid_client.database.address import PostgresAddress
from uprid_client.database.postgres.connection import beginning, connect
from uprid_client.database.postgres.refusals import why_failed


def rows_of(
    address: PostgresAddress, statement: str, parameters: Sequence[object]
) -> list[tuple[Any, ...]]:
    """Return the rows of a query, in which `?` stands for a parameter.

    Raises `DatabaseUnavailable`.
    """
    with closing(connect(address)) as database:
        begin = beginning(address.schema, database.info.server_version, writes=False)
        try:
            database.execute(begin.encode())
            return database.execute(statement.replace("?", "%s").encode(), parameters).fetchall()
        except psycopg.Error as error:
            raise why_failed(error, address) or error from None
