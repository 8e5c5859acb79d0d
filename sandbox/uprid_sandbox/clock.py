"""The time, which is passed in, so that a test can let hours pass."""

from collections.abc import Callable
from datetime import UTC, datetime

#: Returns the present moment, aware.
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the true time."""
    return datetime.now(UTC)
