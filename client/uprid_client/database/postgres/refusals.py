"""Why the database will not have us, in one line, with what to type.

libpq hands over a text and no code where a connection fails, and the server may write its half of
that text in any language. So a connection that was refused in words that are not known is tried
once more with libpq's trace on, which has the code in it.
"""

import os
import re
import select
import shlex
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo
from psycopg.pq.abc import PGconn

from uprid_client.database.address import PostgresAddress
from uprid_client.database.postgres.sqlstates import meaning
from uprid_client.errors import DatabaseRefused, DatabaseUnavailable

#: libpq's own words, never translated here: what keeps us from the server, and what to do.
_MENDED: Final = (
    ("could not translate host name", "its host name is not known", "look at DATABASE_URL's host"),
    ("could not parse network address", "its host is no address", "look at DATABASE_URL's host"),
    ("failed to resolve host", "its host name is not known", "look at DATABASE_URL's host"),
    (
        "server does not support SSL",
        "TLS was asked for, and it has none",
        "switch `ssl` on there, or take sslmode out of DATABASE_URL",
    ),
    (
        "certificate verify failed",
        "its certificate is of an authority that is not trusted",
        "name the authority's file with sslrootcert in DATABASE_URL",
    ),
    (
        "root certificate file",
        "there is no file with authorities to check its certificate by",
        "name one with sslrootcert in DATABASE_URL",
    ),
    (
        "does not match host name",
        "its certificate is another host's",
        "look at DATABASE_URL's host",
    ),
    (
        "private key file",
        "the key of sslkey cannot be used",
        "it must belong to sslcert, and be readable by its owner only (chmod 600)",
    ),
    (
        "bouncer config error",
        "PgBouncer's configuration does not name the database",
        "look at the name in DATABASE_URL, and at [databases] in pgbouncer.ini",
    ),
    (
        '" is disabled',
        "PgBouncer has the database disabled",
        "ENABLE it at PgBouncer's console",
    ),
    (
        "definition of service",
        "the service that is named is not defined here",
        "look at service in DATABASE_URL, and at pg_service.conf",
    ),
    (
        "could not match",
        "it names more ports or hostaddr than hosts, or fewer",
        "name as many hostaddr and ports as hosts in DATABASE_URL",
    ),
    (
        "sslnegotiation=direct",
        "sslnegotiation=direct needs TLS",
        "add sslmode=require, verify-ca or verify-full to DATABASE_URL",
    ),
    (
        "connection is bad: invalid",
        "one of its options has a value that is none",
        "look at the options of DATABASE_URL",
    ),
    (
        "authentication method requirement",
        "it lets roles in by other means than require_auth allows",
        "look at require_auth in DATABASE_URL, and at pg_hba.conf",
    ),
    (
        "hannel binding",
        "channel binding was asked for, and is not to be had",
        "switch TLS on (sslmode=require), or take channel_binding out of DATABASE_URL",
    ),
    (
        "GSSAPI encryption",
        "GSSAPI was asked for, and is not to be had",
        "take gssencmode out of DATABASE_URL",
    ),
    (
        "did not request an SSL certificate",
        "it asked for no certificate of ours",
        "take sslcertmode out of DATABASE_URL",
    ),
    (
        "server only supports protocol version",
        "it speaks an older protocol than was asked for",
        "take min_protocol_version out of DATABASE_URL",
    ),
    ("no password supplied", "it wants a password", "put one into DATABASE_URL: user:password@"),
    (
        "session is read-only",
        "none of its hosts takes writes",
        "look whether a standby was promoted, and whether DATABASE_URL names it",
    ),
    (
        "server is in hot standby mode",
        "none of its hosts takes writes",
        "look whether a standby was promoted, and whether DATABASE_URL names it",
    ),
)
#: Those that only time can heal.
_AWAITED: Final = (
    ("Connection refused", "nothing listens there"),
    ("No such file or directory", "nothing listens there"),
    ("timeout expired", "it was silent for too long"),
    ("timed out", "it was silent for too long"),
    ("Network is unreachable", "the network does not lead there"),
    ("No route to host", "the network does not lead there"),
    ("server closed the connection", "it closed the connection"),
    ("Connection reset", "it closed the connection"),
    ("unexpected eof", "it closed the connection"),
)
#: What servers and poolers say in English, and the code that they say it with. PgBouncer has one
#: code for all.
_SIGNS: Final = (
    (re.compile(r'database ".*" does not exist|no such database'), "3D000"),
    (re.compile("password authentication failed|no such user|SASL authentication failed"), "28P01"),
    (re.compile(r'role ".*" does not exist|not permitted to log in|pg_hba\.conf'), "28000"),
    (re.compile("too many|connection slots are|no more connections allowed"), "53300"),
    (re.compile("not currently accepting connections"), "55000"),
    (re.compile("permission denied for database"), "42501"),
    (re.compile("starting up|shutting down|in recovery mode|not yet accepting"), "57P03"),
    (re.compile("query_wait_timeout|server_login_retry|pgbouncer cannot connect"), "08006"),
)
_TAKES_NO_WRITES: Final = "25006"
_STATEMENT_POOLING: Final = "statement pooling mode"
_TRACED: Final = re.compile(r"\tErrorResponse\t.*? C \"([0-9A-Z]{5})\"")
#: Seconds.
_PATIENCE: Final = 5.0
#: The codes of the texts that were seen so far.
_KNOWN: Final[dict[str, str]] = {}
_KNOWN_AT_MOST: Final = 100


def why_not_connected(
    error: psycopg.Error, address: PostgresAddress, parameters: Mapping[str, Any]
) -> DatabaseUnavailable:
    """Return what is raised in the place of the driver's error, without a value of the address."""
    text = str(error)
    # Several hosts have a text each: what can be repaired counts before what must be waited for.
    for words, what, remedy in _MENDED:
        if words in text:
            return _refused(what, remedy)
    known = next((code for words, code in _SIGNS if words.search(text)), None)
    if known is None:
        for words, what in _AWAITED:
            if words in text:
                return DatabaseUnavailable(_sentence(what))
    sqlstate = known or error.sqlstate or _code(text, parameters)
    found = meaning(sqlstate)
    if found is None:
        return DatabaseUnavailable(type(error).__name__)
    what = f"{found.what} ({sqlstate})"
    remedy = _remedy(sqlstate or "", address)
    return _refused(what, remedy) if remedy else DatabaseUnavailable(_sentence(what))


def why_failed(error: psycopg.Error, address: PostgresAddress) -> DatabaseUnavailable | None:
    """Return what is raised in the place of a statement's error; None: the error itself."""
    name = type(error).__name__
    found = meaning(error.sqlstate)
    if found is None:
        return DatabaseUnavailable(name) if isinstance(error, psycopg.OperationalError) else None
    if _STATEMENT_POOLING in str(error):
        remedy = "`pool_mode = transaction`, or session, in the pooler's configuration"
        return _refused("a pooler in statement mode takes no transactions", remedy)
    what = f"{_sentence(found.what)[:-1]} ({name}, {error.sqlstate})"
    if error.sqlstate == _TAKES_NO_WRITES:
        return _refused(what, _opening(address))
    if not found.refused:
        return DatabaseUnavailable(f"{what}.")
    return _refused(what, lacking_rights(address))


def _opening(address: PostgresAddress) -> str:
    """Return what makes writes possible again: after a fail-over, or where they were closed."""
    return (
        "name the primary in DATABASE_URL, or all hosts; or, where default_transaction_read_only "
        f"is on: ALTER ROLE {role_of(address)} RESET default_transaction_read_only; "
        f"ALTER DATABASE {quoted(address.database)} RESET default_transaction_read_only;"
    )


def lacking_rights(address: PostgresAddress) -> str:
    """Return what the tables' owner types, so that the role can do all that a worker does."""
    role, schema = role_of(address), quoted(address.schema)
    return (
        f"as the tables' owner: GRANT USAGE ON SCHEMA {schema} TO {role}; "
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}; "
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role};"
    )


def lacking_schema(address: PostgresAddress) -> str:
    """Return what the schema's owner types, so that the role can make and change tables in it."""
    schema = quoted(address.schema)
    return f"as its owner: GRANT USAGE, CREATE ON SCHEMA {schema} TO {role_of(address)};"


def role_of(address: PostgresAddress) -> str:
    """Return our role's name as SQL writes it."""
    return quoted(address.role) if address.role else "ROLE"


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return sql.Identifier(name).as_string()


def _remedy(sqlstate: str, address: PostgresAddress) -> str:
    """Return what to type; empty: nothing but patience helps."""
    role, name = role_of(address), address.database
    database = quoted(name)
    match sqlstate:
        case "28P01":
            return (
                "look at user and password in DATABASE_URL; a role is made with "
                f"`createuser --pwprompt {shlex.quote(address.role or 'ROLE')}`"
            )
        case "3D000":
            owner = f" --owner={shlex.quote(address.role)}" if address.role else ""
            return f"`createdb --encoding=UTF8 --template=template0{owner} {shlex.quote(name)}`"
        case "42501":
            return f"as the database's owner: GRANT CONNECT ON DATABASE {database} TO {role};"
        case "53300":
            return (
                "raise its max_connections (or the role's or the database's CONNECTION LIMIT), run "
                "fewer processes, or put a pooler in between"
            )
        case "55000":
            return (
                "the database is closed to connections: "
                f"ALTER DATABASE {database} ALLOW_CONNECTIONS true;"
            )
        case _ if sqlstate.startswith("28"):
            return (
                "the role is missing, may not log in, or pg_hba.conf has no line for it: "
                f"`createuser --pwprompt {shlex.quote(address.role or 'ROLE')}`, or in pg_hba.conf "
                f"`host {name} {address.role or 'ROLE'} THIS-HOST scram-sha-256`"
            )
        case _:
            return ""


def _sentence(what: str) -> str:
    return f"{what[0].upper()}{what[1:]}."


def _refused(what: str, remedy: str) -> DatabaseRefused:
    return DatabaseRefused(f"{_sentence(what)} What helps: {remedy}")


def _code(text: str, parameters: Mapping[str, Any]) -> str | None:
    # One trace a text: tracing costs a connection, and a few kilobytes that are never given back.
    if text not in _KNOWN:
        found = _traced(make_conninfo(**parameters))
        if found is None:
            return None
        if len(_KNOWN) >= _KNOWN_AT_MOST:
            _KNOWN.clear()
        _KNOWN[text] = found
    return _KNOWN[text]


def _traced(conninfo: str) -> str | None:
    """Try again with the trace on; return the code of the last refusal, None where none came."""
    # In memory, as what we send is in it, too. Of Linux alone, as is libpq's trace.
    if not hasattr(os, "memfd_create"):
        return None
    kept = os.memfd_create("uprid-trace")
    connection: PGconn = pq.PGconn.connect_start(conninfo.encode())
    try:
        connection.trace(kept)
        with suppress(psycopg.Error, OSError):
            _poll(connection)
        connection.untrace()
        os.lseek(kept, 0, os.SEEK_SET)
        written = os.read(kept, 65_536).decode("utf-8", "replace")
    finally:
        connection.finish()
        os.close(kept)
    codes = _TRACED.findall(written)
    return codes[-1] if codes else None


def _poll(connection: PGconn) -> None:
    ends = time.monotonic() + _PATIENCE
    wanted = pq.PollingStatus.WRITING
    while wanted in {pq.PollingStatus.WRITING, pq.PollingStatus.READING}:
        waiting = select.poll()
        reading = wanted is pq.PollingStatus.READING
        waiting.register(connection.socket, select.POLLIN if reading else select.POLLOUT)
        left = ends - time.monotonic()
        if left <= 0 or not waiting.poll(left * 1000):
            return
        wanted = pq.PollingStatus(connection.connect_poll())
