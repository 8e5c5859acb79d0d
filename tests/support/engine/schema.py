"""The newest schema, for the databases that tests are given."""

from worker.store.database import Database
from worker.store.schema import migrate


def bring_to_newest(url: str) -> None:
    """Migrate an empty database; the servers run this once and copy what came out."""
    database = Database(url)
    migrate(database)
    database.dispose()
