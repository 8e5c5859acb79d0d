"""The session of a provider, as its settings say."""

from config.providers import ProviderSettings
from worker.providers.transport.http import REPLY_LIMIT, PinnedSession
from worker.providers.transport.network import Network


def session_of(settings: ProviderSettings, *, reply_limit: int = REPLY_LIMIT) -> PinnedSession:
    """Return a session pinned to the provider's address; `reply_limit` is in bytes.

    Make it after a fork, and close it.
    """
    return PinnedSession(
        settings.url,
        connect_timeout=settings.connect_timeout.total_seconds(),
        read_timeout=settings.read_timeout.total_seconds(),
        total_timeout=settings.total_timeout.total_seconds(),
        # The engine calls from one more (worker/engine/engine.py), whose connection is kept, too.
        threads=settings.threads + 1,
        reply_limit=reply_limit,
        network=Network.of(settings),
    )
