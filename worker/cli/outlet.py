"""The relay as commands use it: without a thread of its own."""

from config.settings import Settings
from worker.domain.ids import new_id
from worker.store.database import Database
from worker.stream.relay import Relay
from worker.stream.stream import Stream


def relay_of(settings: Settings, database: Database) -> Relay:
    """Return a relay that runs only when it is called."""
    stream = Stream(settings.events_url, settings.events.stream)
    return Relay(database, stream, keep=settings.retention.events, holder=new_id())
