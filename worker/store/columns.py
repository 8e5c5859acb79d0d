"""Columns that both databases have alike."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, String

#: Integers that count rows for years; SQLite only numbers rows by itself as INTEGER.
Counter: Final = BigInteger().with_variant(Integer(), "sqlite")


ZERO: Final = {"server_default": "0"}


def id_column(*, name: str | None = None, primary: bool = False, nullable: bool = False) -> Any:  # noqa: ANN401
    """Return a new column for one of our ids; `name`: where it is not the attribute's."""
    # COLLATE "C": identifiers compare as bytes, which is what their index is for.
    return Column(
        String(36).with_variant(String(36, collation="C"), "postgresql"),
        name=name,
        primary_key=primary,
        nullable=nullable,
    )
