"""Servers that are away for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql


@contextmanager
def locked_out(url: str) -> Iterator[None]:
    """Refuse connections to one PostgreSQL database, and end those that it has."""
    server, _, name = url.replace("postgresql+psycopg://", "postgresql://").rpartition("/")
    alter = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(alter.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            yield
        finally:
            connection.execute(alter.format(sql.Identifier(name), sql.SQL("true")))
