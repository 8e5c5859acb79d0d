"""What PostgreSQL's error codes say about the connection, the server and our rights.

One table for all who speak with the database. A code that is not in it is a mistake of ours or of
the data, and stays the driver's exception. Every code that is in it is a `DatabaseUnavailable`: the
connection or the server cannot do this now, and the same transaction may be tried again later.

The longest entry that a code begins with counts: `57014` before `57`. Codes as in the manual's
appendix "PostgreSQL Error Codes"; of poolers, as PgBouncer, Odyssey and Supavisor send them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Lost(StrEnum):
    """What is of no use any more once a code was seen."""

    #: The connection answers the next transaction as well as any other.
    NOTHING = "nothing"
    #: This connection is closed, and a new one is opened when one is needed.
    CONNECTION = "connection"
    #: So are all that were opened before now: they lead to the same server, which went away or
    #: became another one's standby.
    POOL = "pool"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says."""

    #: In a few words, for a line of a log.
    what: str
    lost: Lost = Lost.NOTHING
    #: Somebody has to grant, make or mend something; else waiting is enough.
    refused: bool = False


MEANINGS: Final = {
    # Connections. 08P01 is also how PgBouncer says most of what is wrong.
    "08": Meaning("the connection broke", Lost.POOL),
    "25006": Meaning("the server takes no writes", Lost.POOL),
    "25P03": Meaning("the process stood still within a transaction", Lost.CONNECTION),
    "25P04": Meaning("the transaction took too long", Lost.CONNECTION),
    # We prepare nothing under a name, but what stands between us and the server may.
    "26000": Meaning("a pooler lost a prepared statement", Lost.CONNECTION),
    "42P05": Meaning("a pooler mixed up prepared statements", Lost.CONNECTION),
    # Who may come in, and to what.
    "28": Meaning("the role is not let in", Lost.CONNECTION, refused=True),
    "3D000": Meaning("there is no such database", Lost.CONNECTION, refused=True),
    "3F000": Meaning("there is no such schema, or no right to it", refused=True),
    "42501": Meaning("the role lacks a right", refused=True),
    # Two transactions that stood in each other's way.
    "40": Meaning("another transaction stood in the way"),
    "55": Meaning("something is locked or not ready"),
    # No room: disk, memory, connections.
    "53": Meaning("the server has no room"),
    "53300": Meaning("the server takes no more connections", Lost.CONNECTION),
    # An administrator, a crash, a start, a stop, a fail-over.
    "57": Meaning("the server stops, starts or fails over", Lost.POOL),
    "57014": Meaning("the statement was cancelled"),
    "57P05": Meaning("the server closed an idle connection", Lost.CONNECTION),
    # The server's own disk or mistakes, and poolers without a code of their own.
    "58": Meaning("the server cannot read or write its files", Lost.CONNECTION),
    "F0": Meaning("the server's configuration cannot be read", Lost.CONNECTION),
    "XX": Meaning("the server or a pooler failed within", Lost.CONNECTION),
}


def meaning(sqlstate: str | None) -> Meaning | None:
    """Return what a code says; None: nothing about connection, server or rights."""
    if sqlstate is None:
        return None
    return MEANINGS.get(sqlstate) or MEANINGS.get(sqlstate[:2])
