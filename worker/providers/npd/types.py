"""The edge of NPD: what is taken from a marketplace and what NPD answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from worker.providers.given import Given
from worker.providers.moments import read_moment
from worker.providers.person import (
    NULL_WHERE_NONE,
    BirthDate,
    Department,
    IssueDate,
    Issuer,
    MobilePhone,
    Name,
    PassportNumber,
    PassportSeries,
    PatronymicOrNull,
    Snils,
)

_DIGITS: Final = re.compile(r"[0-9]{1,20}")


def _number(value: object) -> object:
    """Take the digits of a number for the number: of "BigInt 20" no page says how it is written."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


#: "BigInt 20": 64 bits without a sign, and an id is positive.
BigId = Annotated[int, Field(strict=True, gt=0, le=2**64 - 1), BeforeValidator(_number)]
#: A unit as MONETA knows it: `xsd:long`.
UnitId = Annotated[int, Field(strict=True, gt=0, le=2**63 - 1)]


class StartArguments(Given):
    """What a start message says in clear, but for the reference."""

    #: What NPD must find by the phone; left out, whatever it finds is taken.
    unit_id: UnitId | None = None


class PassportData(Given):
    """The passport."""

    series: PassportSeries
    number: PassportNumber
    issuer: Issuer | None = None
    issued: IssueDate | None = None
    department: Department | None = None


class PersonData(Given):
    """The sealed payload: all that page 002 does not call optional is required."""

    hints: ClassVar[Mapping[str, str]] = {"middle_name": NULL_WHERE_NONE}

    phone: MobilePhone
    first_name: Name
    last_name: Name
    middle_name: PatronymicOrNull
    birth_date: BirthDate
    snils: Snils | None = None
    passport: PassportData


class Method(StrEnum):
    """NPD's methods, by the last part of their address."""

    PROFILE = "updatemonetaprofile"
    DOCUMENT = "updateuserdoc"
    START = "startuprid"


class Error(StrEnum):
    """Every error of page 002, letter by letter."""

    #: The page's own spelling.
    NO_PARTNER = "no parthner"
    WRONG_SIGNATURE = "wrong signature"
    NO_USER_FOUND = "no user found"
    NO_USER_UNIT = "no user unitId"
    NO_USER_INN = "no user inn"
    NOT_UPDATED = "not updated"
    NO_ASYNC_TASK = "no async task"


_ALWAYS: Final = frozenset(
    {
        Error.NO_PARTNER,
        Error.WRONG_SIGNATURE,
        Error.NO_USER_FOUND,
        Error.NO_USER_UNIT,
        Error.NO_USER_INN,
    }
)
#: Which method knows which errors: another method's is as good as an unknown one.
ERRORS: Final = {
    Method.PROFILE: _ALWAYS,
    Method.DOCUMENT: _ALWAYS | {Error.NOT_UPDATED},
    Method.START: _ALWAYS | {Error.NO_ASYNC_TASK},
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """NPD answered with an error that the method is known for."""

    error: Error
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unlike:
    """A readable reply that breaks the contract. Never a verdict; `what` quotes nothing."""

    what: str
    answer: bytes = field(repr=False)


class _Said(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        strict=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


def _affirmed(value: bool) -> bool:  # noqa: FBT001 -- pydantic's way to call it
    if not value:
        message = "is not so"
        raise ValueError(message)
    return value


class Updated(_Said):
    """The profile holds what was sent."""

    updated: Annotated[bool, AfterValidator(_affirmed)]


class Document(_Said):
    """The passport is stored, and this is the unit that it belongs to."""

    unit_id: BigId
    doc_id: BigId


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _moment(value: object) -> datetime | None:
    try:
        return read_moment(value)
    except ValueError:
        return None


class Task(_Said):
    """The identification runs: what else is said may be missing or spoilt beside an `asyncId`."""

    async_id: BigId
    async_status: Annotated[str | None, BeforeValidator(_word)] = None
    #: In UTC; None where it was not said, or not readably.
    expiration_date: Annotated[datetime | None, BeforeValidator(_moment)] = None
