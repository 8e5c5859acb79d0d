"""The client as commands use it: the same as the marketplace's, with the worker's own settings."""

from collections.abc import Iterator
from contextlib import contextmanager

from config.settings import Settings
from uprid_client import Client


@contextmanager
def client_of(settings: Settings) -> Iterator[Client]:
    """Connect for one command."""
    client = Client(
        settings.broker_url,
        [key.get_secret_value() for key in settings.seal_keys],
        events_stream=settings.events.stream,
        events_redis_url=settings.events_url,
    )
    try:
        yield client
    finally:
        client.close()
