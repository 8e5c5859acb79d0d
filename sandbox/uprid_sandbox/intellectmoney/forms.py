"""How the values of parameters are written."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Final

#: Tells whether a value is written as it must be.
Form = Callable[[str], bool]

#: .NET's `long` and `int`.
LONG_MAX: Final = 2**63 - 1
INT_MAX: Final = 2**31 - 1
#: The page asks for MM.DD.YYYY.
_DATE: Final = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}")
_CRON_FIELD: Final = re.compile(r"[0-9A-Z*?/,#-]+")
#: Quartz: seconds, minutes, hours, day of month, month, day of week, year.
_CRON_FIELDS: Final = 7


def pattern(written: str) -> Form:
    """Return the form of what matches as a whole."""
    compiled = re.compile(written)
    return lambda value: compiled.fullmatch(value) is not None


def number(least: int, most: int) -> Form:
    """Return the form of a whole number without sign, blanks or leading zeros."""
    written = pattern("0|[1-9][0-9]{0,18}")
    return lambda value: written(value) and least <= int(value) <= most


def given(value: str) -> bool:
    """Take any text that is not empty."""
    return bool(value.strip())


def day(value: str) -> bool:
    """Take MM.DD.YYYY."""
    return _DATE.fullmatch(value) is not None and _read_day(value) is not None


def read_day(value: str) -> date:
    """Return the day of a value that `day` takes."""
    found = _read_day(value)
    if found is None:
        raise ValueError("not MM.DD.YYYY")
    return found


def _read_day(value: str) -> date | None:
    try:
        return datetime.strptime(value, "%m.%d.%Y").date()  # noqa: DTZ007 - a local day
    except ValueError:
        return None


def json_object(value: str) -> bool:
    """Take a JSON object, with the single quotes of the page's example too."""
    return any(_is_object(each) for each in (value, value.replace("'", '"')))


def plan(value: str) -> bool:
    """Take a Quartz expression of seven fields, or JSON as on the newer pages; loosely."""
    fields = value.split(" ")
    if len(fields) == _CRON_FIELDS and all(_CRON_FIELD.fullmatch(each) for each in fields):
        return True
    return json_object(value)


def _is_object(value: str) -> bool:
    try:
        return isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False
