"""IntellectMoney's dates: as they are asked for, and as they come."""

from datetime import date, datetime
from typing import Final

from worker.providers.moments import read_moment

#: .NET's first moment stands for none.
_NONE: Final = "0001-01-01T00:00:00"


def asked_date(iso: str, date_format: str) -> str:
    """Write an ISO date as a request has it: `MM.DD.YYYY` on page 003, other pages differ."""
    return date.fromisoformat(iso).strftime(date_format)


def replied_moment(value: object) -> datetime | None:
    """Read local (Moscow) time without a zone, with 0 to 7 digits of a second.

    The null date, nothing and an empty element are None. Raises `ValueError`.
    """
    if value is None or value == "" or (isinstance(value, str) and value.startswith(_NONE)):
        return None
    return read_moment(value)
