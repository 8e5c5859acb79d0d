"""`uprid migrate`: the database's schema to the newest."""

from worker.oncall.output import say
from worker.oncall.stop import settings_for
from worker.operations.database import Database
from worker.operations.schema import migrate as bring_to_newest


def migrate() -> None:
    """Bring the database's schema to the newest. Harmless where it is already."""
    database = Database(settings_for().database_url, connections=2)
    try:
        say(f"schema is at {bring_to_newest(database)}")
    finally:
        database.dispose()
