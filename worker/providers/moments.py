"""Moments as MONETA.RU and what belongs to it write them."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,30}(?:Z|[+-][0-9]{2}:[0-9]{2})?")
#: A moment without a zone is legal in the schema; the pages' own examples are Moscow time. A guess.
_MOSCOW: Final = timezone(timedelta(hours=3))


def read_moment(value: object) -> datetime:
    """Return the moment in UTC, one without a zone being Moscow's; raise `ValueError`."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        message = "no moment"
        raise ValueError(message)
    try:
        moment = datetime.fromisoformat(value)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=_MOSCOW)
        return zoned.astimezone(UTC)
    except (ValueError, OverflowError):
        message = "no moment"
        raise ValueError(message) from None
