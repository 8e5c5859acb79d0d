"""The schema's version: migrating to one, and checking that this release can work on it."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from worker.domain.errors import SchemaElsewhere, SchemaOutdated, SchemaTooNew
from worker.store.database import Database
from worker.store.revisions import Revision
from worker.store.rights import require_encoding, require_owner, require_schema, schema_elsewhere

_MIGRATIONS = Path(__file__).parent / "migrations"
#: Two hosts that are deployed at once both migrate. No other program uses the key.
_ALONE: Final = text("SELECT pg_advisory_xact_lock(7594137105102640317)")
#: While a migration waits for a table, all others queue behind it.
_IMPATIENTLY: Final = text("SET LOCAL lock_timeout = '10s'")


def migrate(database: Database, to: str = "head") -> str:
    """Bring the schema to a version, the newest if none is named; return where it now stands.

    One that is newer than this release stays as it is where this release can work on it: a release
    that is put back must start. Raises `SchemaTooNew` where it cannot, and `WouldLose` where going
    back would lose something.
    """
    require_encoding(database)
    with database.begin() as connection:
        if database.address is not None:  # SQLite has one writer anyway
            connection.execute(_ALONE)
            connection.execute(_IMPATIENTLY)
        config = _config()
        config.attributes["connection"] = connection
        current, newest = _current(connection, database), _newest()
        if to == "head" and _is_newer(current, newest):
            _require_usable(current, newest)
        elif _is_newer(current, newest):
            raise SchemaTooNew(_apart(current, newest))
        elif current != (newest if to == "head" else to):
            _require_changeable(connection, database)
            goes_back = _number(newest if to == "head" else to) < _number(current)
            (command.downgrade if goes_back else command.upgrade)(config, to)
        return _current(connection, database) or "empty"


def require_usable(database: Database) -> str | None:
    """Raise `SchemaOutdated` or `SchemaTooNew` unless this release can work on the schema.

    Returns the schema's version where it is newer than this release, else None.
    """
    with database.read() as connection:
        current = _current(connection, database)
    newest = _newest()
    _require_usable(current, newest)
    return None if current == newest else current


def is_behind(database: Database, name: str) -> bool:
    """Return whether a revision is older than where the schema stands."""
    with database.read() as connection:
        current = _current(connection, database)
    return name != "head" and _number(name) < _number(current)


def is_revision(name: str) -> bool:
    """Return whether this release has a revision of this name; `base` is the empty database."""
    known = {script.revision for script in _scripts().walk_revisions()}
    return name == "base" or name in known


def newest_revision() -> str:
    """Return the newest revision that this release knows."""
    return _newest()


def _require_usable(current: str | None, newest: str) -> None:
    found, known = Revision.read(current), Revision.read(newest)
    if found is not None and known is not None and found.carries(known):
        return
    if _is_newer(current, newest):
        raise SchemaTooNew(_apart(current, newest))
    raise SchemaOutdated(_apart(current, newest))


def _apart(current: str | None, newest: str) -> str:
    return f"It is {current or 'empty'}, the newest here is {newest}."


def _is_newer(current: str | None, newest: str) -> bool:
    # Do not change a schema whose revision no release of ours has named.
    return Revision.read(current) is None or _number(current) > _number(newest)


def _number(name: str | None) -> int:
    revision = None if name == "base" else Revision.read(name)
    return 0 if revision is None else revision.number


def _current(connection: Connection, database: Database) -> str | None:
    if database.address is not None:
        require_schema(connection, database.address)
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None and database.address is not None:
        elsewhere = schema_elsewhere(connection, database.address)
        if elsewhere is not None:
            raise SchemaElsewhere(
                f"They are in {elsewhere}: add options=-csearch_path%3D{elsewhere} to DATABASE_URL."
            )
    return current


def _require_changeable(connection: Connection, database: Database) -> None:
    if database.address is not None:
        require_schema(connection, database.address, "CREATE")
        require_owner(connection, database.address)


def _newest() -> str:
    newest = _scripts().get_current_head()
    assert newest is not None  # noqa: S101 - the first is always there
    return newest


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
