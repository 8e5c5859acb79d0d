"""Bulk rows as one parameter: how both databases take many rows in one constant statement.

A statement of a thousand bound values is compiled, sent and planned anew for every length. Here the
rows travel as arrays (PostgreSQL) or as one JSON text (SQLite), so that the statement never changes.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import TextClause, text

#: What SQLAlchemy writes for a UTC time on SQLite; text in this form sorts like time.
_SQLITE_TIME = "%Y-%m-%d %H:%M:%S.%f"


def sqlite_time(moment: datetime) -> str:
    """Return a time in SQLite's writing."""
    return moment.astimezone(UTC).strftime(_SQLITE_TIME)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a bulk parameter: its name and its PostgreSQL type."""

    name: str
    type: str


class Bulk:
    """A statement over many rows, with `{rows}` where the rows are to stand as a table `v`."""

    def __init__(self, statement: str, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._postgres = text(statement.format(rows=self._unnested()))
        self._sqlite = text(statement.format(rows=self._from_json()))

    def on(
        self, rows: Sequence[Sequence[Any]], *, sqlite: bool
    ) -> tuple[TextClause, dict[str, Any]]:
        """Return the statement and its row parameters for one of the databases."""
        if sqlite:
            packed = json.dumps(rows, default=sqlite_time, separators=(",", ":"))
            return self._sqlite, {"rows": packed}
        arrays = zip(*rows, strict=True) if rows else [()] * len(self._columns)
        return self._postgres, {
            column.name: list(values) for column, values in zip(self._columns, arrays, strict=True)
        }

    def _unnested(self) -> str:
        arrays = ", ".join(f"CAST(:{c.name} AS {c.type}[])" for c in self._columns)
        names = ", ".join(c.name for c in self._columns)
        return f"unnest({arrays}) AS v ({names})"

    def _from_json(self) -> str:
        picked = ", ".join(
            f"value ->> {index} AS {column.name}" for index, column in enumerate(self._columns)
        )
        return f"(SELECT {picked} FROM json_each(:rows)) AS v"
