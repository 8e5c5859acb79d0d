"""The end of a command that fails: its status and what it prints."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from config.settings import Need, Settings, SettingsError, load
from uprid_client.errors import BrokerUnavailable, DatabaseUnavailable, UpridError
from worker.process.redis_fitness import require_fit
from worker.store.database import Database
from worker.store.schema import require_usable

FAILED = 1
MISUSED = 2

_HINTS = {
    DatabaseUnavailable: "Look at DATABASE_URL, and whether its server runs.",
    BrokerUnavailable: "(REDIS_URL, UPRID_EVENTS__REDIS_URL)",
}


class Stop(Exception):
    """Ends the command, with a status and a line for each thing to do."""

    def __init__(self, status: int, lines: Iterable[str]) -> None:
        self.status = status
        self.lines = tuple(lines)
        super().__init__(*self.lines)


def explained(error: UpridError) -> str:
    """Return an error in one line, with what to do about it."""
    hint = _HINTS.get(type(error))
    return f"{error} {hint}" if hint else str(error)


def settings_for(*needs: Need) -> Settings:
    """Return the settings; end with status 2 and every error if they cannot be used."""
    try:
        return load(needs)
    except SettingsError as error:
        raise Stop(MISUSED, error.errors) from None


def fit_settings_for(*needs: Need) -> Settings:
    """Return the settings; end with status 2 also where a Redis server can never serve us."""
    settings = settings_for(*needs)
    try:
        require_fit(settings)
    except SettingsError as error:
        raise Stop(MISUSED, error.errors) from None
    return settings


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the database for one command; raise where it is away or its schema will not do."""
    database = Database(settings.database_url, connections=2)
    try:
        require_usable(database)
        yield database
    finally:
        database.dispose()
