"""What SQLite's result codes say about the file: what passes by itself, and what must be mended."""

import sqlite3
from collections.abc import Mapping
from typing import Final

from worker.errors import DatabaseRefused, DatabaseUnavailable

#: By primary result code.
_PASSES: Final[Mapping[int, str]] = {
    5: "It is busy: another process has been writing for too long.",
    6: "It is locked: another process has been writing for too long.",
    10: "Its file cannot be read or written: input/output error.",
}
_REFUSES: Final[Mapping[int, str]] = {
    3: "No right to its file: make it this account's.",
    8: "Its file cannot be written: make the file and its folder writable for this account.",
    11: "Its file is damaged: put a backup in its place.",
    13: "No room: the disk is full.",
    14: "Its file cannot be opened or made: look at DATABASE_URL, and whether its folder is there "
    "and writable for this account.",
    26: "Its file is no SQLite database: look at DATABASE_URL.",
}


def why_failed(error: sqlite3.Error) -> DatabaseUnavailable | None:
    """Return what is raised in the place of an error; None: a mistake of ours, the error itself.

    SQLite calls both operational.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _REFUSES:
        return DatabaseRefused(_REFUSES[code])
    return DatabaseUnavailable(_PASSES[code]) if code in _PASSES else None
