"""The driver's errors: every class that it has, with the codes that the server sends.

They are raised below the product's own translation, which turns them into its errors.
"""

from random import Random
from typing import Any, Final

import psycopg
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from uprid_client.database.postgres.sqlstates import Lost, meaning

READ_ONLY: Final = "25006"
IDLE: Final = "25P03"
DEADLOCK: Final = "40P01"
SHUTDOWN: Final = "57P01"
CRASH: Final = "57P02"
STARTING: Final = "57P03"
_ABORTED: Final = "25P02"

#: Codes. Each is raised in the class that the driver has for it.
_CODES: Final = (
    "08000", "08006", "08P01", READ_ONLY, IDLE, "26000", "40001", DEADLOCK, "42501", "53100",
    "53200", "53300", "55P03", "57014", SHUTDOWN, STARTING, "58030", "XX000",
)  # fmt: skip
#: Codes of the data that a statement writes: they look like a defect of ours.
_OF_DATA: Final = ("22003", "23514")
#: Classes without a code: the connection broke, or the driver itself refuses.
_BARE: Final = (
    psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError,
    psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.DatabaseError,
)  # fmt: skip


class Unexpected(RuntimeError):
    """An error that no code expects."""


class NoMemory(MemoryError):
    """The process has no memory left."""


#: Every kind, by its name.
KINDS: Final = (*_CODES, *_OF_DATA, *(each.__name__ for each in _BARE), "Unexpected", "NoMemory")


def drawn(chance: Random, *, writes: bool) -> Exception:
    """Return the error of a failing statement."""
    kind = chance.choice(KINDS)
    if kind in _OF_DATA and not writes:
        kind = _CODES[0]
    return of(kind)


def of(kind: str) -> Exception:
    """Return the error as SQLAlchemy raises it."""
    match kind:
        case "Unexpected":
            return Unexpected()
        case "NoMemory":
            return NoMemory()
    for bare in _BARE:
        if bare.__name__ == kind:
            return _wrapped(bare("the server closed the connection"), kind)
    return _wrapped(errors.lookup(kind)(), kind)


def aborted() -> Exception:
    """Return the error that every statement gets in a transaction in which one has failed."""
    return of(_ABORTED)


def name_of(error: BaseException) -> str:
    """Return the kind of an error."""
    if isinstance(error, DBAPIError):
        return str(error.params)
    return type(error).__name__


def is_drawn(error: BaseException | None) -> bool:
    """Return whether the simulation made an error, so that it is no defect of ours."""
    if isinstance(error, DBAPIError):
        return isinstance(error.orig, psycopg.Error)
    return isinstance(error, Unexpected | NoMemory)


def _wrapped(original: psycopg.Error, kind: str) -> Exception:
    found = meaning(original.sqlstate)
    lost = found is not None and found.lost is not Lost.NOTHING
    wrap: Any = DBAPIError.instance
    error: Exception = wrap(
        "a statement", kind, original, psycopg.Error, hide_parameters=True,
        connection_invalidated=lost,
    )  # fmt: skip
    return error
