"""The schema's version: bringing a database to the newest, and telling whether it is."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from worker.errors import SchemaOutdated
from worker.operations.database import Database

_MIGRATIONS = Path(__file__).parent.parent / "migrations"


def migrate(database: Database, to: str = "head") -> str:
    """Bring the schema to a version, the newest if none is named; return where it now stands."""
    with database.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        if to == "base" or (to != "head" and to.startswith("-")):
            command.downgrade(config, to)
        else:
            command.upgrade(config, to)
        return _current(connection) or "empty"


def require_newest(database: Database) -> None:
    """Raise `SchemaOutdated` unless the schema is the newest."""
    with database.read() as connection:
        current = _current(connection)
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    if current != newest:
        raise SchemaOutdated(f"It is {current or 'empty'}, the newest is {newest}.")


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config
