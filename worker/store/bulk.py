"""Bulk rows as one parameter: how both databases take many rows in one constant statement.

A statement of a thousand bound values is compiled, sent and planned anew for every length. Here the
rows travel as one JSON text, so that the statement never changes. Arrays, one a column, were the
alternative on PostgreSQL: the driver renders them in Python, which cost a chunk more than the rest
of its write-back.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import TextClause, text

_UTC: Final = " || '+00'"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a bulk parameter: its name and its PostgreSQL type."""

    name: str
    type: str


class Bulk:
    """A statement over many rows, with `{rows}` where the rows are to stand as a table `v`."""

    def __init__(self, statement: str, columns: Sequence[Column]) -> None:
        self._postgres = text(statement.format(rows=_postgres_rows(columns)))
        self._sqlite = text(statement.format(rows=_sqlite_rows(columns)))

    def on(
        self, rows: Sequence[Sequence[Any]], *, sqlite: bool
    ) -> tuple[TextClause, dict[str, Any]]:
        """Return the statement and its row parameter for one of the databases."""
        # Not as ASCII: half a character must fail here and not be stored, never to be read again.
        packed = json.dumps(rows, default=_time, separators=(",", ":"), ensure_ascii=False)
        return (self._sqlite if sqlite else self._postgres), {"rows": packed}


def _postgres_rows(columns: Sequence[Column]) -> str:
    picked = ", ".join(
        # Times come without a zone (see `_time`), and a session's own zone must not be guessed.
        f"CAST(r ->> {index}{_UTC if column.type == 'timestamptz' else ''} AS {column.type})"
        f" AS {column.name}"
        for index, column in enumerate(columns)
    )
    return f"(SELECT {picked} FROM json_array_elements(CAST(:rows AS json)) AS r) AS v"  # noqa: S608 - constants only


def _sqlite_rows(columns: Sequence[Column]) -> str:
    picked = ", ".join(
        f"value ->> {index} AS {column.name}" for index, column in enumerate(columns)
    )
    return f"(SELECT {picked} FROM json_each(:rows)) AS v"  # noqa: S608 - constants only


def _time(moment: object) -> str:
    """Write a time as SQLAlchemy does on SQLite, where it is text that sorts like time."""
    if not isinstance(moment, datetime):
        raise TypeError(type(moment).__name__)
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")
