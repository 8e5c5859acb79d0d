"""Checks whether the server has enough connections for all processes that are alive."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, text

from worker.cli.doctor.finding import Finding, ok, warning

#: For others: `uprid`'s commands, clients that read answers, people who look at the tables.
_OTHERS: Final = 4
#: A limit below 0 is none. What is reserved for superusers is not ours.
_LIMITS: Final = text(
    "SELECT current_setting('max_connections')::int"
    " - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true)::int, 0) AS server,"
    " (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user AND NOT rolsuper) AS role,"
    " (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database"
)
_RAISED_BY: Final = {
    "server": "raise its max_connections",
    "role": "ALTER ROLE … CONNECTION LIMIT",
    "database": "ALTER DATABASE … CONNECTION LIMIT",
}


def check_room(connection: Connection, processes: int, each: int) -> Iterator[Finding]:
    """Compare the connections that the processes may open with the server's limits."""
    if connection.dialect.name == "sqlite":
        return
    limits = connection.execute(_LIMITS).one()._asdict()
    known = {name: limit for name, limit in limits.items() if limit is not None and limit >= 0}
    whose = min(known, key=known.__getitem__)
    wanted = processes * each + _OTHERS
    detail = (
        f"{processes} processes of {each} and {_OTHERS} others may want {wanted}; "
        f"the {whose} allows {known[whose]}"
    )
    if wanted <= known[whose]:
        yield ok("database connections", detail)
    else:
        yield warning(
            "database connections",
            f"{detail}: lower UPRID_ENGINE__CONNECTIONS, {_RAISED_BY[whose]}, or take a pooler",
        )
