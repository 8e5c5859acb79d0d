"""The database: whether it is there and newest, and what time it has."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from worker.errors import DatabaseUnavailable, SchemaUnusable
from worker.oncall.checks.finding import Finding, fault, ok, warning
from worker.oncall.stop import explained
from worker.operations.database import Database
from worker.operations.rights import require_encoding, require_rights
from worker.operations.schema import require_usable

#: Times are the database's, so a host that is off only dates its logs and event ids wrongly.
_TOLERANCE: Final = timedelta(seconds=2)


def check_database(database: Database) -> Iterator[Finding]:
    """Look at the database; nothing else can be read of it unless it is there and newest."""
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
        said = f"{newer} is newer than this release, which works on it all the same"
        yield warning("schema", f"{said}: finish the upgrade")
    database.calibrate()
    apart = abs(database.now() - datetime.now(UTC))
    said = f"{apart.total_seconds():.1f} s between this host and the database"
    far = apart > _TOLERANCE
    yield warning("clock", f"{said}: set the clocks by NTP") if far else ok("clock", said)
