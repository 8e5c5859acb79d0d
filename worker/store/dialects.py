"""Statements that differ between the two databases: the only place that asks which one it is."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def is_sqlite(connection: Connection) -> bool:
    """Return whether a connection leads to SQLite; else it leads to PostgreSQL."""
    return connection.dialect.name == "sqlite"


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that can say what is done on a conflict."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)
