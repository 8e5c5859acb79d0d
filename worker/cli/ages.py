"""Points in time as people give them: RFC 3339, or an age such as `10m`. Pure."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_AGE: Final = re.compile(r"(\d{1,9})(s|m|h|d)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def since(text: str, now: datetime) -> datetime:
    """Return the time that is meant, in UTC; raise ValueError saying what is wanted."""
    message = "must be RFC 3339 with a zone, such as 2026-01-31T12:00:00Z, or an age such as 10m"
    try:
        age = _AGE.fullmatch(text)
        if age is not None:
            return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(message)
