"""Quartz cron expressions of seven fields: what IntellectMoney's plans are written in.

The rules are those of Quartz 2: seconds, minutes, hours, day of the month, month, day of the week
(1 is Sunday), year. Exactly one of the two days is `?`. A range may run over the end of its field
(`22-2`, `FRI-MON`), but not of the years.
"""

import re
from dataclasses import dataclass
from typing import Final

_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                  "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")  # fmt: skip
_DAYS: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_UNSET: Final = "?"
_VALUE: Final = "[0-9]{1,4}|[A-Z]{3}"
_PART: Final = re.compile(
    rf"(?:\*|(?P<first>{_VALUE})(?:-(?P<last>{_VALUE}))?|(?=/))(?:/(?P<step>[0-9]{{1,4}}))?"
)
#: L and LW: the last day, the last working day, each so many days earlier. nW: the working day
#: nearest to the n-th.
_OF_MONTH: Final = re.compile(r"L(?:-(?P<before>[0-9]{1,2}))?W?|(?P<near>[0-9]{1,2})W")
#: L: Saturday. nL: the month's last such day. n#k: its k-th.
_OF_WEEK: Final = re.compile(rf"L|(?P<day>{_VALUE})(?:L|#[1-5])")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    #: Of the values from the lowest on.
    names: tuple[str, ...] = ()
    wraps: bool = True

    def number(self, value: str) -> int | None:
        """Return a value as a number; None where it is none of this field's."""
        if value in self.names:
            return self.lowest + self.names.index(value)
        number = int(value) if value.isdecimal() else -1
        return number if self.lowest <= number <= self.highest else None

    def takes(self, value: str) -> bool:
        """Return whether this is a list of values, ranges and steps."""
        return all(self._takes_part(part) for part in value.split(","))

    def _takes_part(self, part: str) -> bool:
        found = _PART.fullmatch(part)
        if found is None or not part:
            return False
        step = found["step"]
        if step is not None and not 1 <= int(step) <= self.highest:
            return False
        ends = [self.number(end) for end in (found["first"], found["last"]) if end is not None]
        numbers = [end for end in ends if end is not None]
        if len(numbers) < len(ends):
            return False
        return self.wraps or numbers == sorted(numbers)


_DAY_OF_MONTH: Final = _Field("day of the month", 1, 31)
_DAY_OF_WEEK: Final = _Field("day of the week", 1, 7, _DAYS)
_FIELDS: Final = (
    _Field("seconds", 0, 59),
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _DAY_OF_MONTH,
    _Field("month", 1, 12, _MONTHS),
    _DAY_OF_WEEK,
    _Field("year", 1970, 2099, wraps=False),
)


def read_cron(text: str) -> str:
    """Return the expression in its one writing: capitals, single spaces.

    Raises `ValueError` with a text that names the faulty fields and quotes nothing.
    """
    parts = text.upper().split()
    if len(parts) != len(_FIELDS):
        message = f"must have {len(_FIELDS)} fields, seconds to year, or be a JSON object"
        raise ValueError(message)
    faulty = [
        field.name for field, part in zip(_FIELDS, parts, strict=True) if not _ok(field, part)
    ]
    if faulty:
        message = f"has no valid {', '.join(faulty)}"
        raise ValueError(message)
    if parts.count(_UNSET) != 1:
        message = "must have ? as either the day of the month or the day of the week"
        raise ValueError(message)
    return " ".join(parts)


def _ok(field: _Field, value: str) -> bool:
    if field is _DAY_OF_MONTH:
        return value == _UNSET or field.takes(value) or _is_day_of_month(value)
    if field is _DAY_OF_WEEK:
        return value == _UNSET or field.takes(value) or _is_day_of_week(value)
    return field.takes(value)


def _is_day_of_month(value: str) -> bool:
    found = _OF_MONTH.fullmatch(value)
    if found is None:
        return False
    if found["before"] is not None:
        return 1 <= int(found["before"]) < _DAY_OF_MONTH.highest
    return found["near"] is None or _DAY_OF_MONTH.number(found["near"]) is not None


def _is_day_of_week(value: str) -> bool:
    found = _OF_WEEK.fullmatch(value)
    return found is not None and (
        found["day"] is None or _DAY_OF_WEEK.number(found["day"]) is not None
    )
