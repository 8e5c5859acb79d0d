"""Connections to PostgreSQL on which nothing is kept between two transactions.

So a pooler may hand every transaction another connection (PgBouncer, `pool_mode = transaction`).
No statement is prepared under a name, and nothing is set for a session: what we rely on is set for
each transaction as it begins, in the message that begins it, at the cost of no round trip.
Decision 0030.
"""

from typing import Any, Final

import psycopg
from psycopg import sql

from config.database_address import PostgresAddress
from worker.postgres.refusals import why_not_connected

#: A server that is gone without a word is given up after twenty seconds, asked or not: without
#: these, libpq waits for hours, and every thread and the heartbeat with it. All of this stays on
#: this side of the wire, but the last three, which every pooler carries over.
_PARAMETERS: Final[dict[str, Any]] = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "20000",
    # Hides PGOPTIONS of the environment, which a pooler refuses.
    "options": "",
    "application_name": "uprid-worker",
}
#: Whatever the role, the database or the server has in their place (`ALTER ROLE … SET`).
_RELIED_ON: Final = {
    # First: it counts for the statements that follow. What takes long is bounded by who waits.
    "statement_timeout": "0",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "standard_conforming_strings": "on",
    # Floats come back as they were written.
    "extra_float_digits": "1",
    "lock_timeout": "0",
}
#: Seconds for which a process may stand still within a transaction. After them the server ends its
#: connection: one whose machine is paused would keep a provider's row from everybody else.
IDLE_IN_TRANSACTION: Final = 10.0
#: What is confirmed outlives a crash of the server, also where its administrator would have it
#: otherwise: an operation that was accepted, a call that is marked before it is made.
_KEPT: Final = {"synchronous_commit": "on"}
#: The newest release here has one more timeout. As `server_version` counts.
_HAS_TRANSACTION_TIMEOUT: Final = 170_000


def connect(address: PostgresAddress) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection; raises `DatabaseUnavailable` where none is to be had, and says why."""
    parameters = {**_PARAMETERS, **address.parameters, "client_encoding": "UTF8"}
    try:
        # Statements begin and end no transaction by themselves: `begin` says when.
        return psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)
    except psycopg.Error as error:
        raise why_not_connected(error, address, parameters) from None


def beginning(schema: str, server_version: int, *, writes: bool) -> str:
    """Return the statements that begin a transaction, as one message to the server."""
    found = {
        **_RELIED_ON,
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION * 1000:.0f}",
        **({"transaction_timeout": "0"} if server_version >= _HAS_TRANSACTION_TIMEOUT else {}),
        **(_KEPT if writes else {}),
    }
    # Not `READ WRITE`: a server that its administrator closed to writes stays closed.
    begin = sql.SQL("BEGIN ISOLATION LEVEL READ COMMITTED")
    # Tables that another user of the pooler's connection made for a session stand behind ours.
    path = sql.SQL("SET LOCAL search_path = {}, pg_temp").format(sql.Identifier(schema))
    settings = [
        sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(name), sql.Literal(value))
        for name, value in found.items()
    ]
    return sql.SQL("; ").join([begin, *settings, path]).as_string()
