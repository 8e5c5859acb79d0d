r"""What a marketplace sends about a person: types that check a value and write it canonically.

The same person gives the same bytes, however it was typed. No message here quotes a value.
Digits are `[0-9]`: `\d` also takes the digits of every other script.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Annotated, Final

import structlog
from pydantic import AfterValidator, Field, ValidationError, ValidationInfo
from stdnum.ru import inn as stdnum_inn

#: The key of the validation context that says what a wrong SNILS checksum means: refuse or warn.
SNILS_CHECKSUM: Final = "snils_checksum"
#: Numbers up to 001-001-998 were issued without a check.
_LAST_UNCHECKED_SNILS: Final = 1_001_998
_EARLIEST: Final = date(1900, 1, 1)
#: The day begins in Kamchatka: what is dated today there is no mistake.
_FIRST_ZONE: Final = timezone(timedelta(hours=12))
_NAME_MARKS: Final = frozenset(" -.'\u2019\u02bc")
_UNNAMED: Final = "(unnamed)"

_log = structlog.get_logger(__name__)


def _today() -> date:
    return datetime.now(_FIRST_ZONE).date()


def _matching(pattern: str, message: str, dropped: str = "") -> Callable[[str], str]:
    """Return a check: without the `dropped` characters the value matches the whole pattern."""
    compiled = re.compile(pattern)
    drop = str.maketrans("", "", dropped)

    def check(value: str) -> str:
        bare = value.translate(drop)
        if not compiled.fullmatch(bare):
            raise ValueError(message)
        return bare

    return check


def _snils_sum_holds(digits: str) -> bool:
    if int(digits[:9]) <= _LAST_UNCHECKED_SNILS:
        return True
    total = sum(int(digit) * (9 - place) for place, digit in enumerate(digits[:9]))
    return total % 101 % 100 == int(digits[9:])


def _snils(digits: str, info: ValidationInfo) -> str:
    if not digits.strip("0"):
        message = "must not be all zeros"
        raise ValueError(message)
    if not _snils_sum_holds(digits):
        if (info.context or {}).get(SNILS_CHECKSUM) != "warn":
            message = "has a wrong checksum: look for a typing error"
            raise ValueError(message)
        _log.warning("snils_checksum_wrong")
    return digits


def _inn(digits: str) -> str:
    if digits.startswith("00"):
        message = "must not begin with 00: there is no such region"
        raise ValueError(message)
    if not stdnum_inn.is_valid(digits):
        message = "has wrong check digits: look for a typing error"
        raise ValueError(message)
    return digits


def _mobile(bare: str) -> str:
    return "7" + bare[-10:]


def _date(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        message = "must be a day of the calendar"
        raise ValueError(message) from None


def _birth(value: str) -> str:
    if not _EARLIEST <= _date(value) < _today():
        message = "must be in the past, and not before 1900"
        raise ValueError(message)
    return value


def _issued(value: str) -> str:
    if not _EARLIEST <= _date(value) <= _today():
        message = "must not be in the future, nor before 1900"
        raise ValueError(message)
    return value


def _spaced(value: str) -> str:
    """One writing for one text: composed letters (macOS types them in parts), single spaces."""
    return re.sub(" +", " ", unicodedata.normalize("NFC", value)).strip(" ")


def _name(value: str) -> str:
    name = _spaced(value)
    if not any(mark.isalpha() for mark in name) or not all(
        mark.isalpha() or mark in _NAME_MARKS for mark in name
    ):
        message = "must be made of letters; spaces, hyphens, apostrophes and dots may stand between"
        raise ValueError(message)
    return name


def _text(value: str) -> str:
    text = _spaced(value)
    if not text or not text.isprintable():
        message = "must be text on one line"
        raise ValueError(message)
    return text


_Short = Annotated[str, Field(strict=True, max_length=40)]
_ISO_DATE: Final = _matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "must be a date such as 1990-01-31")

#: 11 digits. Dashes and spaces are dropped.
Snils = Annotated[
    _Short,
    AfterValidator(_matching(r"[0-9]{11}", "must be 11 digits", dropped="- ")),
    AfterValidator(_snils),
]
#: 12 digits: a person's, not a company's.
Inn = Annotated[
    _Short, AfterValidator(_matching(r"[0-9]{12}", "must be 12 digits")), AfterValidator(_inn)
]
#: 79XXXXXXXXX.
MobilePhone = Annotated[
    _Short,
    AfterValidator(
        _matching(
            r"(?:\+7|7|8)?9[0-9]{9}",
            "must be a Russian mobile number such as +7 900 000-00-00",
            dropped="- ()",
        )
    ),
    AfterValidator(_mobile),
]
PassportSeries = Annotated[
    _Short, AfterValidator(_matching(r"[0-9]{4}", "must be 4 digits", dropped=" "))
]
PassportNumber = Annotated[_Short, AfterValidator(_matching(r"[0-9]{6}", "must be 6 digits"))]
Department = Annotated[
    _Short, AfterValidator(_matching(r"[0-9]{3}-[0-9]{3}", "must be written as 000-000"))
]
#: yyyy-mm-dd.
BirthDate = Annotated[_Short, AfterValidator(_ISO_DATE), AfterValidator(_birth)]
#: yyyy-mm-dd.
IssueDate = Annotated[_Short, AfterValidator(_ISO_DATE), AfterValidator(_issued)]
Name = Annotated[str, Field(strict=True, min_length=1, max_length=100), AfterValidator(_name)]
Issuer = Annotated[str, Field(strict=True, min_length=1, max_length=300), AfterValidator(_text)]

_SAID: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not known: remove it",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "string_unicode": "must be text in Unicode",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "int_type": "must be an integer",
    "greater_than": "must be a positive integer",
    "less_than_equal": "is too large",
}


def faults_of(error: ValidationError, whole: str = "payload") -> tuple[list[str], str]:
    """Return the names of the faulty fields and a text that says what to do about each.

    Fields are named `profile.snils`, what was validated as a whole by `whole`. Values are never
    named, and a key that the sender made up only if it looks like one.
    """
    fields: dict[str, str] = {}
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = ".".join(_safe(part) for part in fault["loc"]) or whole
        said = _SAID.get(fault["type"], "is not valid")
        if fault["type"] == "value_error":
            said = fault["msg"].removeprefix("Value error, ")
        fields.setdefault(name, f"{name} {said}")
    return list(fields), "; ".join(fields.values())


def _safe(part: int | str) -> str:
    text = str(part)
    return text if re.fullmatch(r"[a-z][a-zA-Z0-9_]{0,39}|[0-9]{1,6}", text) else _UNNAMED
