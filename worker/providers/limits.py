"""The limits of calls to a provider, from its settings."""

from config.providers import ProviderSettings
from worker.providers.protocol import Limits


def limits_of(settings: ProviderSettings) -> Limits:
    """Return the limits that a provider's settings set."""
    return Limits(
        rate_per_second=settings.rate_per_second,
        chunk=settings.chunk,
        threads=settings.threads,
        total_timeout=settings.total_timeout.total_seconds(),
        breaker_failures=settings.breaker_failures,
        breaker_reset=settings.breaker_reset.total_seconds(),
    )
