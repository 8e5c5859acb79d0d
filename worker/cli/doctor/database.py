"""Checks the database: whether it answers, its schema, and its clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import text

from uprid_client.errors import DatabaseUnavailable
from worker.cli.doctor.finding import Finding, fault, ok, warning
from worker.cli.exits import explained
from worker.domain.errors import SchemaUnusable
from worker.store.database import Database
from worker.store.rights import require_encoding, require_rights
from worker.store.schema import require_usable

_DURABILITY: Final = text(
    "SELECT current_setting('fsync') AS fsync,"
    " current_setting('synchronous_standby_names') <> '' AS synchronous,"
    " (SELECT count(*) FROM pg_stat_replication) AS replicas"
)
_AND_ELSEWHERE: Final = ", and on a replica"
#: Times are the database's, so a host that is off only dates its logs and event ids wrongly.
_TOLERANCE: Final = timedelta(seconds=2)


def check_database(database: Database) -> Iterator[Finding]:
    """Check the database. Other checks read it only if it answers and its schema fits."""
    try:
        require_encoding(database)
        newer = require_usable(database)
    except (DatabaseUnavailable, SchemaUnusable) as error:
        yield fault("database", explained(error))
        return
    yield ok("database", "SQLite" if database.is_sqlite else "PostgreSQL")
    try:
        require_rights(database)
    except DatabaseUnavailable as error:
        yield fault("database writes", explained(error))
    else:
        yield ok("database writes", "a row was written, and taken back")
    if newer is not None:
        detail = f"{newer} is newer than this release, which works on it all the same"
        yield warning("schema", f"{detail}: finish the upgrade")
    yield from _durability(database)
    database.calibrate()
    apart = abs(database.now() - datetime.now(UTC))
    detail = f"{apart.total_seconds():.1f} s between this host and the database"
    far = apart > _TOLERANCE
    yield warning("clock", f"{detail}: set the clocks by NTP") if far else ok("clock", detail)


def _durability(database: Database) -> Iterator[Finding]:
    """Check whether a confirmed commit can be lost: a billed submit would be sent twice."""
    if database.is_sqlite:
        return
    with database.read() as connection:
        row = connection.execute(_DURABILITY).one()
    if row.fsync != "on":
        yield warning(
            "durability", "fsync is off: a crash of the server loses commits. Set it to on"
        )
    elif row.replicas and not row.synchronous:
        yield warning(
            "durability",
            f"{row.replicas} replicas, and none is waited for: a fail-over may lose commits. Set "
            "synchronous_standby_names, or type `uprid recover` after one, as the runbook has it",
        )
    else:
        yield ok("durability", "commits are on the disk" + _AND_ELSEWHERE * bool(row.replicas))
