"""The relay as commands use it: without a thread of its own."""

from config.settings import Settings
from worker.events.relay import Relay
from worker.events.stream import Stream
from worker.operations.database import Database
from worker.operations.identifiers import new_id


def relay_of(settings: Settings, database: Database) -> Relay:
    """Return a relay that runs only when it is called."""
    stream = Stream(settings.events_url, settings.events.stream)
    return Relay(database, stream, keep=settings.retention.events, holder=new_id())
