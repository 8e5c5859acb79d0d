"""Rows as objects, where it is not the hot path that writes them."""

from typing import Any

from sqlalchemy import Connection, insert
from sqlalchemy import inspect as inspected
from sqlmodel import SQLModel


def values_of(row: SQLModel) -> dict[str, Any]:
    """Return what a row holds by its columns; what it does not name has the model's default.

    A column that the database numbers by itself is left out.
    """
    found = {
        column.name: getattr(row, attribute.key)
        for attribute in inspected(type(row)).column_attrs
        for column in attribute.columns
    }
    primary = {column.name for column in inspected(type(row)).primary_key}
    return {
        name: value for name, value in found.items() if value is not None or name not in primary
    }


def add(connection: Connection, row: SQLModel) -> None:
    """Insert a row."""
    connection.execute(insert(inspected(type(row)).local_table).values(**values_of(row)))
