"""Bulk rows as one parameter: how both databases take many rows in one constant statement.

A statement of a thousand bound values is compiled, sent and planned anew for every length. Here the
rows travel as one JSON text, so that the statement never changes. Arrays, one a column, were the
alternative on PostgreSQL: the driver renders them in Python, which cost a chunk more than the rest
of its write-back.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, CursorResult, Table, TypeDecorator, text

from worker.store.dialects import is_sqlite

_UTC: Final = " || '+00'"
#: PostgreSQL's types of the values that a bulk row may hold.
TEXT: Final = "text"
INTEGER: Final = "integer"
BIGINT: Final = "bigint"
TIME: Final = "timestamptz"

_TYPES: Final[Mapping[type, str]] = {str: TEXT, int: INTEGER, datetime: TIME}


def columns_of(table: Table, *names: str) -> dict[str, str]:
    """Return columns of a table, each with its PostgreSQL type."""
    return {name: _type(table, name) for name in names}


class Bulk:
    """A statement over many rows, with `{rows}` where the rows are to stand as a table `v`.

    `columns` maps each name of a row to its PostgreSQL type.
    """

    def __init__(self, statement: str, columns: Mapping[str, str]) -> None:
        self._names = tuple(columns)
        self._postgres = text(statement.format(rows=_postgres_rows(columns)))
        self._sqlite = text(statement.format(rows=_sqlite_rows(columns)))

    def execute(
        self, connection: Connection, rows: Iterable[Mapping[str, Any]], **parameters: object
    ) -> CursorResult[Any]:
        """Execute the statement over rows, each with a value for every column."""
        # Not as ASCII: half a character must fail here and not be stored, never to be read again.
        packed = json.dumps(
            [[row[name] for name in self._names] for row in rows],
            default=_time,
            separators=(",", ":"),
            ensure_ascii=False,
        )
        statement = self._sqlite if is_sqlite(connection) else self._postgres
        return connection.execute(statement, {"rows": packed, **parameters})


def _type(table: Table, name: str) -> str:
    kind = table.c[name].type
    # SQLModel wraps the types of texts and times in some of its own.
    plain = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    return BIGINT if isinstance(plain, BigInteger) else _TYPES[plain.python_type]


def _postgres_rows(columns: Mapping[str, str]) -> str:
    picked = ", ".join(
        # Times come without a zone (see `_time`), and a session's own zone must not be guessed.
        f"CAST(r ->> {index}{_UTC if kind == TIME else ''} AS {kind}) AS {name}"
        for index, (name, kind) in enumerate(columns.items())
    )
    return f"(SELECT {picked} FROM json_array_elements(CAST(:rows AS json)) AS r) AS v"  # noqa: S608 - constants only


def _sqlite_rows(columns: Mapping[str, str]) -> str:
    picked = ", ".join(f"value ->> {index} AS {name}" for index, name in enumerate(columns))
    return f"(SELECT {picked} FROM json_each(:rows)) AS v"  # noqa: S608 - constants only


def _time(moment: object) -> str:
    """Write a time as SQLAlchemy does on SQLite, where it is text that sorts like time."""
    if not isinstance(moment, datetime):
        raise TypeError(type(moment).__name__)
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
