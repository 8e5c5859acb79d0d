"""What the two databases say differently, and the one place that asks which of them it is."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def is_sqlite(connection: Connection) -> bool:
    """Tell whether a connection leads to SQLite; else it leads to PostgreSQL."""
    return connection.dialect.name == "sqlite"


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that can say what is done on a conflict."""
    return sqlite.insert(table) if is_sqlite(connection) else postgresql.insert(table)
